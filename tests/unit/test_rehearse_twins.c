/* Which accounts pipelines name, and that a twin has nothing of the real cloud that could act. */
#include "clouds/aws/aws.h"
#include "clouds/simulator/simulator.h"
#include "rehearse/places.h"
#include <string.h>

static const Cloud *const CLOUDS[] = {&cloud_aws, &cloud_simulator, NULL};

static GPtrArray *named(const char *stages) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("{\"stages\":%s}", stages);
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    const JsonValue *const pipelines[] = {json_root(pipeline), NULL};
    return places_named(pipelines, CLOUDS);
}

static void assert_place(const GPtrArray *places, guint index, const char *cloud, const char *name, const char *regions) {
    g_assert_cmpuint(index, <, places->len);
    const Place *place = g_ptr_array_index(places, index);
    g_autofree char *joined = g_strjoinv(",", place->regions);
    g_assert_cmpstr(place->cloud->id, ==, cloud);
    g_assert_cmpstr(place->name, ==, name);
    g_assert_cmpstr(joined, ==, regions);
}

static void test_accounts_where_they_are_named(void) {
    g_autoptr(GPtrArray) places = named("[{\"type\":\"deploy\",\"clusters\":[{\"account\":\"prod\",\"cloudProvider\":\"simulator\","
                                        "\"availabilityZones\":{\"north\":[]}},{\"account\":\"test\",\"region\":\"us-east-1\"}]},"
                                        "{\"type\":\"disableCluster\",\"credentials\":\"prod\",\"cloudProvider\":\"simulator\","
                                        "\"regions\":[\"south\",\"north\"]}]");
    g_assert_cmpuint(places->len, ==, 2);
    assert_place(places, 0, "simulator", "prod", "north,south");
    assert_place(places, 1, "aws", "test", "us-east-1");
}

static void test_what_expressions_decide_is_not_known(void) {
    g_autoptr(GPtrArray) places = named("[{\"credentials\":\"${parameters.account}\",\"region\":\"north\"},"
                                        "{\"credentials\":\"prod\",\"regions\":[\"${parameters.region}\",\"south\",7],\"region\":\"\"},"
                                        "{\"credentials\":\"else\",\"cloudProvider\":\"nocloud\"}]");
    g_assert_cmpuint(places->len, ==, 1);
    assert_place(places, 0, "aws", "prod", "south");
}

static void test_places_have_a_limit(void) {
    g_autoptr(GString) stages = g_string_new("[");
    for (guint i = 0; i < PLACES_MAX + 1; i++)
        g_string_append_printf(stages, "%s{\"account\":\"a%u\"}", i ? "," : "", i);
    g_string_append(stages, "]");
    g_autoptr(GPtrArray) places = named(stages->str);
    g_assert_cmpuint(places->len, ==, PLACES_MAX);
}

static gboolean is_simulated(const CloudOperation *operation) {
    for (const CloudOperation *const *each = cloud_simulator.operations; *each != NULL; each++)
        if (*each == operation)
            return TRUE;
    return FALSE;
}

static const CloudOperation *operation_named(const Cloud *cloud, const char *name) {
    for (const CloudOperation *const *each = cloud->operations; *each != NULL; each++)
        if (strcmp((*each)->name, name) == 0)
            return *each;
    return NULL;
}

/* Every operation of the real cloud is accepted, and none of its steps, reads or openings is there to be called. */
static void test_a_twin_cannot_act(void) {
    Twins *twins = twins_new(CLOUDS, g_ptr_array_new_with_free_func(place_free), FALSE);
    const Cloud *twin = twins_list(twins)[0];
    g_assert_cmpstr(twin->id, ==, "aws");
    g_assert_true(twin->agents == cloud_simulator.agents && twin->refresh_server_group == cloud_simulator.refresh_server_group);
    g_assert_true(twin->refresh_image == cloud_simulator.refresh_image && twin->refresh_cluster == cloud_simulator.refresh_cluster);
    g_assert_true(twin->open != cloud_aws.open && twin->prepare_create == NULL && twin->end_leftovers == NULL);
    for (const CloudOperation *const *real = cloud_aws.operations; *real != NULL; real++)
        g_assert_true(cloud_has_operation(twin, (*real)->name));
    for (const CloudOperation *const *each = twin->operations; *each != NULL; each++) {
        const CloudOperation *real = operation_named(&cloud_aws, (*each)->name);
        g_assert_true(is_simulated(*each) || (real != NULL && (*each)->steps != real->steps && (*each)->finish == NULL));
    }
    twins_free(twins);
}

static void test_configured_accounts_stay_the_simulators(void) {
    Twins *twins = twins_new(CLOUDS, g_ptr_array_new_with_free_func(place_free), TRUE);
    g_assert_true(twins_list(twins)[1] == &cloud_simulator);
    g_assert_null(twins_list(twins)[2]);
    twins_free(twins);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rehearse/accounts-where-they-are-named", test_accounts_where_they_are_named);
    g_test_add_func("/rehearse/what-expressions-decide-is-not-known", test_what_expressions_decide_is_not_known);
    g_test_add_func("/rehearse/places-have-a-limit", test_places_have_a_limit);
    g_test_add_func("/rehearse/a-twin-cannot-act", test_a_twin_cannot_act);
    g_test_add_func("/rehearse/configured-accounts-stay-the-simulators", test_configured_accounts_stay_the_simulators);
    return g_test_run();
}
