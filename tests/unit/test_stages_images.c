/* Finding, tagging and handing on images, from pipeline to cloud (stages.md 6.4, deploy-strategies.md 9). */
#include "deploy_house.h"

static void put(House *house, const char *account, const char *region, const char *id, const char *name, gint64 created_ms,
                const char *tags) {
    g_autoptr(Json) parsed = tags != NULL ? json_parse(tags, -1, NULL) : NULL;
    put_image(clouds_inventory(house->services.clouds), account, region, id, name, created_ms, json_root(parsed));
}

static const JsonValue *stage_context(const Execution *execution, guint index) {
    return json_root(((const Stage *)execution->stages->pdata[index])->context);
}

/* "here:img-1,there:img-2" of what the stage found. */
static char *found_by(House *house, const char *stage) {
    g_autofree char *stages = g_strdup_printf("[%s]", stage);
    g_autoptr(Execution) execution = run(house, stages);
    show(execution);
    GString *text = g_string_new(NULL);
    for (JsonIter i = json_iter(json_get(stage_context(execution, 0), "amiDetails")); json_next(&i);)
        g_string_append_printf(text, "%s%s:%s", text->len > 0 ? "," : "", json_get_string(i.value, "region"),
                               json_get_string(i.value, "imageId"));
    return g_string_free(text, FALSE);
}

#define FROM_TAGS(more) "{\"type\":\"findImageFromTags\",\"cloudProvider\":\"test\",\"packageName\":\"orders\"" more "}"

static void test_from_tags(void) {
    static const struct {
        const char *stage, *found;
    } CASES[] = {
        {FROM_TAGS(",\"regions\":[\"here\",\"there\"],\"tags\":{\"TEAM\":\"Sails\"}"), "here:img-3,there:img-5"},
        {FROM_TAGS(",\"regions\":[\"here\"],\"tags\":{\"team\":\"sails\",\"stage\":\"old\"}"), "here:img-1"},
        {FROM_TAGS(",\"regions\":[\"here\"]"), "here:img-3"}, /* only images of just this package, newest first */
        {FROM_TAGS(",\"regions\":[\"here\"],\"imageOwnerAccount\":\"base\""), "here:img-9"},
    };
    House house;
    house_build(&house);
    put(&house, "prod", "here", "img-1", "orders-1", 100, "{\"team\":\"sails\",\"stage\":\"old\"}");
    put(&house, "prod", "here", "img-2", "orders-2", 200, "{\"team\":\"sails\",\"appversion\":\"orders-1.0-h1.abc/orders/1\"}");
    put(&house, "prod", "here", "img-3", "orders-3", 300,
        "{\"Team\":\"SAILS\",\"appversion\":\"orders-1.1-h2.abc/orders/2\",\"build_host\":"
        "\"http://ci\"}");
    put(&house, "prod", "here", "img-4", "orders-extra-4", 400, "{\"team\":\"sails\",\"appversion\":\"orders-extra-1.0-h1.abc/orders/1\"}");
    put(&house, "prod", "there", "img-5", "orders-3", 250, "{\"team\":\"sails\",\"appversion\":\"orders-1.1-h2.abc/orders/2\"}");
    put(&house, "base", "here", "img-9", "orders-9", 50, NULL);
    put(&house, "prod", "here", "img-8", "billing-1", 900, "{\"team\":\"sails\"}");
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *found = found_by(&house, CASES[i].stage);
        g_assert_cmpstr(found, ==, CASES[i].found);
    }
    g_autoptr(Execution) execution = run(&house, "[" FROM_TAGS(",\"regions\":[\"here\"]") "]");
    const JsonValue *image = json_at(json_get(stage_context(execution, 0), "amiDetails"), 0);
    g_assert_cmpstr(json_string(json_dig(image, "buildInfo", "jenkins", "host", NULL)), ==, "http://ci");
    const JsonValue *artifact = json_at(json_get(stage_context(execution, 0), "artifacts"), 0);
    g_assert_cmpstr(json_get_string(artifact, "type"), ==, "test/image");
    g_assert_cmpstr(json_get_string(artifact, "reference"), ==, "img-3");
    run_failing(&house, "[" FROM_TAGS(",\"regions\":[\"here\"],\"tags\":{\"team\":\"none\"}") "]",
                "Could not find tagged image for package: orders");
    run_failing(&house, "[{\"type\":\"findImageFromTags\"}]", "packageName: required");
    house_leave(&house);
}

#define FROM_CLUSTER(more)                                                                                                                 \
    "{\"type\":\"findImage\",\"credentials\":\"prod\",\"cloudProvider\":\"test\",\"cluster\":\"orders-main\"" more "}"

static void test_from_cluster(void) {
    static const struct {
        const char *stage, *found;
    } CASES[] = {
        {FROM_CLUSTER(",\"regions\":[\"here\"]"), "here:image-2"},
        {FROM_CLUSTER(",\"regions\":[\"here\"],\"selectionStrategy\":\"OLDEST\""), "here:image-1"},
        {FROM_CLUSTER(",\"regions\":[\"here\"],\"selectionStrategy\":\"largest\""), "here:image-1"},
        {FROM_CLUSTER(",\"regions\":[\"here\"],\"selectionStrategy\":\"OLDEST\",\"onlyEnabled\":false"), "here:image-0"},
        {FROM_CLUSTER(",\"regions\":[\"here\"],\"imageNamePattern\":\"orders-.*\""), "here:image-2"},
        {FROM_CLUSTER(",\"regions\":[\"here\",\"there\"],\"resolveMissingLocations\":true"), "here:image-2,there:image-7"},
    };
    House house;
    house_build(&house);
    for (guint i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("orders-main-v%03u", i), *image = g_strdup_printf("image-%u", i);
        OutsideGroup *group = outside_add("here", name, (Capacity){0, 5, i == 1 ? 4 : 2});
        group->disabled = i == 0;
        g_free(group->image);
        group->image = g_strdup(image);
    }
    put(&house, "prod", "here", "image-2", "orders-2-ebs", 200, NULL);
    put(&house, "prod", "there", "image-6", "orders-2-s3", 100, NULL);
    put(&house, "prod", "there", "image-7", "orders-2-ebs", 300, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *found = found_by(&house, CASES[i].stage);
        g_assert_cmpstr(found, ==, CASES[i].found);
    }
    run_failing(&house, "[" FROM_CLUSTER(",\"regions\":[\"here\"],\"selectionStrategy\":\"FAIL\"") "]", "selectionStrategy is FAIL");
    run_failing(&house, "[" FROM_CLUSTER(",\"regions\":[\"here\"],\"selectionStrategy\":\"BEST\"") "]", "BEST is unknown");
    run_failing(&house, "[" FROM_CLUSTER(",\"regions\":[\"there\"]") "]", "Could not find cluster 'orders-main'");
    run_failing(&house, "[" FROM_CLUSTER(",\"regions\":[\"here\"],\"imageNamePattern\":\"orders\"") "]", "does not match imageNamePattern");
    house_leave(&house);
}

static void test_tag(void) {
    House house;
    house_build(&house);
    put(&house, "base", "here", "img-1", "orders-1", 100, NULL);
    put(&house, "base", "there", "img-2", "orders-1", 100, NULL);
    put(&house, "prod", "here", "img-1", "orders-1", 100, NULL);
    run_ok(&house, "[{\"type\":\"upsertImageTags\",\"credentials\":\"base\",\"imageNames\":[\"orders-1\"],\"tags\":{\"Team\":\"sails\","
                   "\"appversion\":\"mine\"},\"regions\":[\"here\"]}]");
    assert_calls("tag orders-1 in base {\"Team\":\"sails\"}, allow orders-1 for prod in here");
    /* of a stage before it */
    run_ok(&house, "[{\"refId\":\"1\",\"type\":\"findImageFromTags\",\"cloudProvider\":\"test\",\"packageName\":\"orders\",\"regions\":["
                   "\"there\"]},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"upsertImageTags\",\"credentials\":\"base\","
                   "\"tags\":{\"Team\":\"sails\"},\"regions\":[\"there\"]}]");
    assert_calls("tag orders-1 in base {\"Team\":\"sails\"}");
    run_failing(&house, "[{\"type\":\"upsertImageTags\",\"credentials\":\"base\",\"tags\":{\"a\":\"b\"}}]", "imageNames: required");
    run_failing(&house, "[{\"type\":\"upsertImageTags\",\"credentials\":\"base\",\"imageNames\":[\"none\"],\"tags\":{\"a\":\"b\"}}]",
                "unable to find image none");
    run_failing(&house, "[{\"type\":\"upsertImageTags\",\"imageNames\":[\"orders-1\"],\"tags\":{\"a\":\"b\"}}]", "credentials: required");
    assert_calls("");
    house_leave(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/images/from-tags", test_from_tags);
    g_test_add_func("/images/from-cluster", test_from_cluster);
    g_test_add_func("/images/tag", test_tag);
    return g_test_run();
}
