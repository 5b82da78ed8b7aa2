/* Templates of version 2, step by step (engine.md 24.1), and how templates are kept (api.md 12). */
#include "store_testing.h"
#include "templates_testing.h"

/* A template as a replacement of the stored one "t". */
static Json *expand(const char *template, const char *configuration) {
    static const char *const KEYS[] = {"t", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) given = parse(template);
    g_autoptr(Json) own = parse(configuration);
    g_autoptr(Json) base = parse("{'schema':'v2','type':'templatedPipeline','application':'app','name':'n','id':'i',"
                                 "'template':{'type':'front50/pipelineTemplate','reference':'spinnaker://t'},"
                                 "'trigger':{'type':'manual','parameters':{'q':'5'}}}");
    g_autoptr(Json) whole = json_merge(json_root(base), json_root(own));
    const TemplateRequest request = {.replacement = json_root(given), .replaced_keys = KEYS, .planning = TRUE, .now_ms = 1};
    Json *expanded = templates_expand(&request, json_root(whole), &error);
    g_assert_no_error(error);
    return expanded;
}

#define TEMPLATE(more) "{'schema':'v2','id':'t','pipeline':{'stages':[{'refId':'a'},{'refId':'b','requisiteStageRefIds':['a']}]}" more "}"

/* ---- step 5: injection ---- */
static void check_stages(const char *stages, const char *expected) {
    g_autofree char *configuration = g_strconcat("{'stages':[", stages, "]}", NULL);
    g_autoptr(Json) expanded = expand(TEMPLATE(""), configuration);
    assert_no_errors(expanded);
    assert_shape(expanded, expected);
}

static void test_injection(void) {
    check_stages("", "a b<a");
    check_stages("{'refId':'x','inject':{'first':true}}", "a<x b<a x");
    check_stages("{'refId':'x','inject':{'last':true}}", "a b<a x<b");
    check_stages("{'refId':'x','inject':{'before':['b']}}", "a b<x x<a");
    check_stages("{'refId':'x','inject':{'before':'a'}}", "a<x b<a x");
    check_stages("{'refId':'x','inject':{'after':['a']}}", "a b<x x<a");
    check_stages("{'refId':'x','inject':{'after':['b']}}", "a b<a x<b");
    check_stages("{'refId':'x','inject':{'after':['b'],'first':true}}", "a<x b<a x");
    check_stages("{'refId':'x','inject':{'first':false,'last':true}}", "a b<a x<b");
    check_stages("{'refId':'x','requisiteStageRefIds':['a']}", "a b<a x<a");
    check_stages("{'refId':'x','inject':{'last':true}},{'refId':'y','inject':{'after':['x']}}", "a b<a x<b y<x");
    check_stages("{'refId':'b','type':'wait'}", "a b<a");                      /* replaced in its place */
    check_stages("{'refId':'b','requisiteStageRefIds':[]}", "a b");            /* with requisites of its own */
    check_stages("{'refId':'lost'},{'refId':'l2','inject':{'x':1}}", "a b<a"); /* warned about */
}

static void check_stage_errors(const char *stages, const char *part) {
    g_autofree char *configuration = g_strconcat("{'stages':[", stages, "]}", NULL);
    g_autoptr(Json) expanded = expand(TEMPLATE(""), configuration);
    assert_error(expanded, part);
    g_assert_null(json_get(json_root(expanded), "stages"));
}

static void test_injection_errors(void) {
    check_stage_errors("{'refId':'x','inject':{'before':['z']}}", "injected before z, which is no stage");
    check_stage_errors("{'refId':'x','inject':{'after':[7]}}", "which is no stage");
    check_stage_errors("{'refId':'x','inject':{'before':['a','b']}}", "in a circle: ");
    check_stage_errors("{'refId':'x','requisiteStageRefIds':['z']}", "behind stage z, which does not exist");
    check_stage_errors("{'refId':'x','requisiteStageRefIds':['a']},{'refId':'x','requisiteStageRefIds':['b']}", "more than once");
    check_stage_errors("{'type':'wait'}", "has no refId");
}

static void test_template_injects(void) {
    g_autoptr(Json) expanded = expand("{'schema':'v2','pipeline':{'stages':[{'refId':'i','inject':{'first':true}},{'refId':'a'}]}}",
                                      "{'stages':[{'refId':'o','inject':{'first':true}}]}");
    assert_no_errors(expanded);
    assert_shape(expanded, "a<i i<o o");
}

static void test_many_stages(void) {
    g_autoptr(GString) stages = g_string_new("{'stages':[");
    for (int i = 0; i < TEMPLATE_STAGES_MAX; i++)
        g_string_append_printf(stages, "%s{'refId':'s%d','requisiteStageRefIds':['a']}", i > 0 ? "," : "", i);
    g_string_append(stages, "]}");
    g_autoptr(Json) expanded = expand(TEMPLATE(""), stages->str);
    assert_error(expanded, "more than 5000 stages");
}

/* ---- steps 3 and 4 ---- */
static void test_validation(void) {
    static const struct {
        const char *template, *configuration, *part;
    } CASES[] = {
        {"{'schema':'1'}", "{}", "template schema version is unsupported: expected v2, got 1"},
        {TEMPLATE(""), "{'application':''}", "Missing 'application' field"},
        {TEMPLATE(",'protect':true"), "{'stages':[{'refId':'x','inject':{'last':true}}]}", "disallowed"},
        {"[1]", "{}", "no JSON object"},
        {TEMPLATE(""), "{'template':{'type':'x'}}", "has no reference"},
        {TEMPLATE(""), "{'template':{'reference':'ftp://x'}}", "expected spinnaker://"},
        {TEMPLATE(""), "{'template':{'type':'embedded/base64','reference':'e30='}}", "expected v2, got none"},
        {TEMPLATE(""), "{'schema':'3','type':'templatedPipeline','template':null}", "Unknown pipeline template schema version: 3"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) expanded = expand(CASES[i].template, CASES[i].configuration);
        assert_error(expanded, CASES[i].part);
        g_assert_cmpstr(json_get_string(json_at(json_get(json_root(expanded), "errors"), 0), "severity"), ==, "FATAL");
    }
}

static void check_variable(const char *declared, const char *given, const char *value, const char *problem) {
    g_autofree char *template = g_strconcat("{'schema':'v2','pipeline':{},'variables':[", declared, "]}", NULL);
    g_autofree char *configuration = g_strconcat("{'variables':", given, "}", NULL);
    g_autoptr(Json) expanded = expand(template, configuration);
    if (problem != NULL) {
        assert_error(expanded, problem);
        return;
    }
    assert_no_errors(expanded);
    assert_text(json_get(json_root(expanded), "templateVariables"), value);
}

static void test_variables(void) {
    check_variable("{'name':'x'}", "{'x':[1]}", "{'x':[1]}", NULL);
    check_variable("{'name':'x'}", "{'x':1,'undeclared':2}", "{'x':1}", NULL);
    check_variable("{'name':'x','defaultValue':3}", "{}", "{'x':3}", NULL);
    check_variable("{'name':'x','defaultValue':3}", "{'x':4}", "{'x':4}", NULL);
    check_variable("{'name':'x'},{'name':'y'}", "{}", NULL, "application app, name n, id i: Missing variable values for: x, y");
    check_variable("{'name':'x','nullable':true}", "{}", "{'x':null}", NULL);
    check_variable("{'name':'x','nullable':true,'type':'int'}", "{'x':null}", "{'x':null}", NULL);
    check_variable("{'name':'x'}", "{'x':null}", NULL, "Variable x may not be null");
    check_variable("{'name':'x','type':'int'}", "{'x':2.0}", "{'x':2.0}", NULL);
    check_variable("{'name':'x','type':'int'}", "{'x':2.5}", NULL, "type int, its value is of the type float: 2.5");
    check_variable("{'name':'x','type':'int'}", "{'x':'2'}", NULL, "is of the type string");
    check_variable("{'name':'x','type':'float'}", "{'x':2.5}", "{'x':2.5}", NULL);
    check_variable("{'name':'x','type':'bool'}", "{'x':'true'}", NULL, "type bool");
    check_variable("{'name':'x','type':'string'}", "{'x':'s'}", "{'x':'s'}", NULL);
    check_variable("{'name':'x','type':'list'}", "{'x':{}}", NULL, "type list");
    check_variable("{'name':'x','type':'Boolean'}", "{'x':true}", "{'x':true}", NULL);
    check_variable("{'name':'x','type':'what'}", "{'x':true}", NULL, "type what");
    check_variable("{'type':'int'}", "{}", NULL, "A variable has no name");
    /* step 2: defaults may be expressions over trigger and application */
    check_variable("{'name':'x','defaultValue':'${trigger.parameters.q}-${application}'}", "{}", "{'x':'5-app'}", NULL);
    check_variable("{'name':'x','defaultValue':'${later.on}'}", "{}", "{'x':'${later.on}'}", NULL);
}

/* ---- steps 1, 2 and 6 ---- */
static void test_result(void) {
    g_autoptr(Json) expanded = expand(
        "{'schema':'v2','id':'t','pipeline':{'description':'d','limitConcurrent':false,'notifications':[{'n':1}],"
        "'parameterConfig':[{'name':'p','default':'x'}],'triggers':[{'type':'cron'}],'expectedArtifacts':[{'id':'e'}]}}",
        "{'template':{'reference':'spinnaker://"
        "${\\'t\\'}'},'limitConcurrent':true,'maxConcurrentExecutions':3,'description':'own','disabled':true,"
        "'notifications':[{'n':1},{'n':2}],'parameters':[{'name':'q','default':'y'}],'triggers':[{'type':'git'}],'exclude':[]}");
    assert_no_errors(expanded);
    const JsonValue *pipeline = json_root(expanded);
    assert_text(json_get(pipeline, "notifications"), "[{'n':1},{'n':2}]");
    assert_text(json_get(pipeline, "parameterConfig"), "[{'name':'p','default':'x'},{'name':'q','default':'y'}]");
    assert_text(json_get(pipeline, "triggers"), "[{'type':'cron','inherited':true},{'type':'git'}]");
    assert_text(json_get(pipeline, "source"), "{'id':'t','type':'templatedPipeline','version':'v2'}");
    assert_text(json_dig(pipeline, "trigger", "parameters", NULL), "{'p':'x','q':'5'}");
    g_assert_true(json_is_false(json_get(pipeline, "limitConcurrent")));
    g_assert_cmpint(json_get_int(pipeline, "maxConcurrentExecutions", 0), ==, 3);
    g_assert_cmpstr(json_get_string(pipeline, "description"), ==, "d");
    g_assert_cmpstr(json_get_string(pipeline, "id"), ==, "i");
    g_assert_null(json_get(pipeline, "disabled"));
    g_assert_nonnull(json_get(pipeline, "expectedArtifacts"));
}

static void test_exclude(void) {
    g_autoptr(Json) expanded = expand("{'schema':'v2','pipeline':{'notifications':[1],'parameterConfig':[{'name':'p'}],'triggers':[{}]}}",
                                      "{'exclude':['notifications','parameters','triggers'],'triggers':[{'type':'git'}]}");
    assert_no_errors(expanded);
    assert_text(json_get(json_root(expanded), "notifications"), "[]");
    assert_text(json_get(json_root(expanded), "parameterConfig"), "[]");
    assert_text(json_get(json_root(expanded), "triggers"), "[{'type':'git'}]");
}

/* ---- keeping ---- */
static void save(Store *store, const char *text, const char *tag, gboolean must_exist, const char *problem) {
    static const char *const NO_ROLES[] = {NULL};
    const Principal principal = {.user = "u", .roles = NO_ROLES};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) template = parse(text);
    g_autoptr(Json) saved = template_save(store, json_root(template), tag, must_exist, &principal, 5, &error);
    if (problem == NULL) {
        g_assert_no_error(error);
        g_assert_cmpstr(json_get_string(json_root(saved), "updateTs"), ==, "5");
        return;
    }
    g_assert_nonnull(error);
    if (strstr(error->message, problem) == NULL)
        g_error("\"%s\" not in \"%s\"", problem, error->message);
}

static void test_stored(void) {
    g_autofree char *folder = folder_new();
    Store *store = store_open_at(folder);
    g_autoptr(GError) error = NULL;
    save(store, "{'schema':'v2','id':'a','pipeline':{}}", NULL, TRUE, "not found");
    save(store, "{'schema':'v2','id':'a','pipeline':{}}", NULL, FALSE, NULL);
    save(store, "{'schema':'v2','id':'a','pipeline':{}}", NULL, FALSE, "A pipeline template with the id a already exists");
    save(store, "{'schema':'v2','id':'b','pipeline':{}}", "stable", FALSE, NULL);
    save(store, "{'schema':'v2','id':'b','pipeline':{}}", "mine", FALSE, "the tag mine is none of latest");
    save(store, "{'schema':'v2','id':'b:c','pipeline':{}}", NULL, FALSE, "without colon");
    save(store, "{'schema':'v3','id':'b'}", NULL, FALSE, "schema version is invalid");
    save(store, "{'schema':'v2','id':'b'}", NULL, FALSE, "\"pipeline\" must be an object");
    save(store, "{'id':'one','source':'spinnaker://a'}", NULL, FALSE, NULL);
    g_auto(GStrv) keys = template_keys_of(store, "a", &error);
    g_assert_cmpuint(g_strv_length(keys), ==, 3);
    g_autoptr(Json) latest = template_load(store, "a:latest", &error);
    g_assert_cmpstr(json_get_string(json_root(latest), "tag"), ==, "latest");
    g_assert_true(template_delete(store, &(TemplateName){"a", NULL, NULL}, &error));
    g_assert_no_error(error);
    g_assert_null(template_load(store, "a", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    store_close(store);
    remove_tree(folder);
}

static void test_digest(void) {
    g_autoptr(Json) one = parse("{'b':[1,{'y':1,'x':'two words'}],'a':1,'digest':'d','updateTs':'1'}");
    g_autoptr(Json) other = parse("{'a':1,'b':[1,{'x':'two words','y':1}],'lastModifiedBy':'u'}");
    g_autofree char *digest = template_digest(json_root(one)), *again = template_digest(json_root(other));
    g_autofree char *expected = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "{\"a\":1,\"b\":[1,{\"x\":\"twowords\",\"y\":1}]}", -1);
    g_assert_cmpstr(digest, ==, expected);
    g_assert_cmpstr(digest, ==, again);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/templates/injection", test_injection);
    g_test_add_func("/templates/injection-errors", test_injection_errors);
    g_test_add_func("/templates/template-injects", test_template_injects);
    g_test_add_func("/templates/many-stages", test_many_stages);
    g_test_add_func("/templates/validation", test_validation);
    g_test_add_func("/templates/variables", test_variables);
    g_test_add_func("/templates/result", test_result);
    g_test_add_func("/templates/exclude", test_exclude);
    g_test_add_func("/templates/stored", test_stored);
    g_test_add_func("/templates/digest", test_digest);
    return g_test_run();
}
