/* Templates of version 1 (engine.md 24.2): inheritance, modules, partials, conditions, injection, changes by path. */
#include "store_testing.h"
#include "templates/path_change.h"
#include "templates/v1.h"
#include "templates_testing.h"

static Store *store;

static void save(const char *text) {
    static const char *const NO_ROLES[] = {NULL};
    const Principal principal = {.user = "u", .roles = NO_ROLES};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) template = parse(text);
    const TemplateName name = {.id = json_get_string(json_root(template), "id")};
    template_delete(store, &name, NULL);
    g_autoptr(Json) saved = template_save(store, json_root(template), NULL, FALSE, &principal, 5, &error);
    g_assert_no_error(error);
    g_assert_nonnull(saved);
}

static Json *expand(const char *configuration) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) own = parse(configuration);
    g_autoptr(Json) base = parse("{'schema':'1','pipeline':{'application':'app','name':'n','pipelineConfigId':'i','template':{'source':"
                                 "'spinnaker://t'}}}");
    g_autoptr(Json) config = json_merge_deep(json_root(base), json_root(own));
    g_autoptr(Json) trigger = parse("{'type':'manual','parameters':{'q':'5'}}");
    g_autoptr(Json) whole = json_pack("{s:s, s:j, s:j}", "type", "templatedPipeline", "config", config, "trigger", trigger);
    const TemplateRequest request = {.sources = {.store = store}, .planning = TRUE, .now_ms = 1};
    Json *expanded = templates_expand(&request, json_root(whole), &error);
    g_assert_no_error(error);
    return expanded;
}

static const JsonValue *stage_at(const Json *expanded, gsize index) {
    return json_at(json_get(json_root(expanded), "stages"), index);
}

static void test_variables_and_rendering(void) {
    save("{'id':'t','schema':'1','variables':[{'name':'wait','type':'int','defaultValue':3},{'name':'regions','type':'list'},"
         "{'name':'label','defaultValue':'{{ application }}-x'}],'stages':[{'id':'a','type':'wait','name':'Wait {{ wait }}','config':"
         "{'waitTime':'{{ wait }}','regions':'{{ regions }}','keep':'${ trigger.parameters.q }','from':'{{ trigger.parameters.q }}!',"
         "'label':'{{ label }}','{{ label }}':true,'each':'[{% for r in regions %}{{ r|json }}{% if not loop.last %},{% endif %}{% endfor "
         "%}]'}}]}");
    g_autoptr(Json) expanded = expand("{'pipeline':{'variables':{'regions':['us','eu']}}}");
    assert_no_errors(expanded);
    assert_text(stage_at(expanded, 0),
                "{'refId':'a','requisiteStageRefIds':[],'waitTime':3,'regions':['us','eu'],'keep':'${ trigger.parameters.q }','from':'5!',"
                "'label':'app-x','app-x':true,'each':['us','eu'],'type':'wait','name':'Wait 3'}");
    g_assert_cmpstr(json_get_string(json_root(expanded), "id"), ==, "i");
    g_autoptr(Json) missing = expand("{}");
    assert_error(missing, "Missing variable values for: regions");
    g_autoptr(Json) wrong = expand("{'pipeline':{'variables':{'regions':'x','wait':'soon'}}}");
    assert_error(wrong, "Variable wait has the type int");
    assert_error(wrong, "Variable regions has the type list");
}

static void test_inheritance(void) {
    save("{'id':'root','schema':'1','protect':false,'variables':[{'name':'v','defaultValue':1},{'name':'gone','defaultValue':1}],'stages':["
         "{'id':'a','type':'wait','config':{'waitTime':1}},{'id':'b','type':'wait','dependsOn':['a']}],"
         "'configuration':{'triggers':[{'name':'t','type':'cron'}],'parameters':[{'name':'p','default':'x'}]}}");
    save("{'id':'t','schema':'1','source':'spinnaker://root','variables':[{'name':'v','defaultValue':2},{'name':'gone','remove':true}],"
         "'stages':[{'id':'b','type':'noop','dependsOn':['a']},{'id':'c','type':'wait','dependsOn':['b']}],"
         "'configuration':{'parameters':[{'name':'p','merge':true,'label':'L'},{'name':'r'}]}}");
    g_autoptr(Json) expanded = expand("{'configuration':{'inherit':['parameters'],'triggers':[{'name':'own'}]}}");
    assert_no_errors(expanded);
    assert_shape(expanded, "a b<a c<b");
    g_assert_cmpstr(json_get_string(stage_at(expanded, 1), "type"), ==, "noop");
    assert_text(json_get(json_root(expanded), "parameterConfig"), "[{'name':'p','default':'x','label':'L'},{'name':'r'}]");
    assert_text(json_get(json_root(expanded), "triggers"), "[{'name':'own'}]");
    g_autoptr(GError) error = NULL;
    const TemplateRequest request = {.sources = {.store = store}};
    g_autoptr(Json) resolved = templates_resolve(&request, "spinnaker://t", &error);
    assert_text(json_get(json_root(resolved), "variables"), "[{'name':'v','defaultValue':2}]");
    save("{'id':'root','schema':'1','source':'spinnaker://t'}");
    g_autoptr(Json) circle = expand("{}");
    assert_error(circle, "inherits from more than 19 others, or from itself");
}

static void test_conditions(void) {
    save("{'id':'t','schema':'1','variables':[{'name':'on','defaultValue':false}],'stages':[{'id':'a','type':'wait'},"
         "{'id':'b','type':'wait','dependsOn':['a'],'when':['{{ on }}']},{'id':'c','type':'wait','dependsOn':['b'],'when':['true','{{ 1 == "
         "1 }}']}]}");
    g_autoptr(Json) off = expand("{}");
    assert_shape(off, "a c<a");
    g_autoptr(Json) on = expand("{'pipeline':{'variables':{'on':true}}}");
    assert_shape(on, "a b<a c<b");
    save("{'id':'t','schema':'1','stages':[{'id':'a','type':'wait','when':['{{ nope']}]}");
    g_autoptr(Json) wrong = expand("{}");
    assert_error(wrong, "Failed to render condition: line 1: {{ is not closed");
}

static void test_stages_of_the_configuration(void) {
    save("{'id':'t','schema':'1','stages':[{'id':'a','type':'wait','config':{'waitTime':1,'list':[1],'gone':1}},{'id':'b','type':'wait','"
         "dependsOn':['a']}]}");
    g_autoptr(Json)
        placed = expand("{'stages':[{'id':'x','type':'noop','inject':{'before':['b']}},{'id':'y','type':'noop','dependsOn':['b']},"
                        "{'id':'z','type':'noop','inject':{'last':true}},{'id':'f','type':'noop','inject':{'first':true}}]}");
    assert_no_errors(placed);
    assert_shape(placed, "a<f b<x x<a y<b z<y f");
    g_autoptr(Json) replaced = expand("{'stages':[{'id':'b','type':'noop','config':{'own':1}}]}");
    assert_shape(replaced, "a b<a");
    g_assert_cmpstr(json_get_string(stage_at(replaced, 1), "type"), ==, "noop");
    g_autoptr(Json) changed = expand("{'stages':[{'id':'a','inheritanceControl':{'merge':[{'path':'$.list','value':[2]}],"
                                     "'replace':[{'path':'$.waitTime','value':'{{ 40 + 2 }}'}],'remove':[{'path':'$.gone'}]}}]}");
    assert_no_errors(changed);
    assert_text(stage_at(changed, 0), "{'refId':'a','requisiteStageRefIds':[],'waitTime':42,'list':[1,2],'type':'wait','name':'a'}");
    g_autoptr(Json) lost = expand("{'stages':[{'id':'x','type':'noop'}]}");
    assert_error(lost, "Stage x needs a rule of injection");
    g_autoptr(Json) shapeless = expand("{'stages':[{'type':'noop','inject':{'last':true}}]}");
    assert_error(shapeless, "needs id and type");
    save("{'id':'t','schema':'1','protect':true,'stages':[{'id':'a','type':'wait'}]}");
    g_autoptr(Json) refused = expand("{'stages':[{'id':'x','type':'noop','inject':{'last':true}}]}");
    assert_error(refused, "the template is protected");
}

static void test_modules(void) {
    save("{'id':'t','schema':'1','modules':[{'id':'size','variables':[{'name':'n','type':'int','defaultValue':1}],'definition':{'min':'{{ "
         "n }}',"
         "'app':'{{ application }}'}},{'id':'never','when':['false'],'definition':'x'},{'id':'deep','definition':'{% module deep %}'}],"
         "'stages':[{'id':'a','type':'wait','config':{'capacity':'{% module size n=4 %}','none':'[{% module never %}]'}},"
         "{'id':'b','type':'wait','config':'{% module size %}'}]}");
    g_autoptr(Json) expanded = expand("{}");
    assert_no_errors(expanded);
    assert_text(json_get(stage_at(expanded, 0), "capacity"), "{'min':4,'app':'app'}");
    assert_text(json_get(stage_at(expanded, 0), "none"), "[]");
    g_assert_cmpint(json_get_int(stage_at(expanded, 1), "min", 0), ==, 1);
    g_autoptr(Json) deep = expand("{'stages':[{'id':'x','type':'wait','config':{'k':'{% module deep %}'},'inject':{'last':true}}]}");
    assert_error(deep, "more than 20 modules inside each other");
    g_autoptr(Json) unknown = expand("{'stages':[{'id':'x','type':'wait','config':{'k':'{% module what %}'},'inject':{'last':true}}]}");
    assert_error(unknown, "the template has no module what");
    g_autoptr(Json) own = expand("{'modules':[{'id':'mine','definition':'{{ 2 * 3 }}'}],'stages':[{'id':'x','type':'wait','config':"
                                 "{'k':'{% module mine %}'},'inject':{'last':true}}]}");
    g_assert_cmpint(json_get_int(stage_at(own, 2), "k", 0), ==, 6);
    g_autoptr(Json)
        no_pipeline = expand("{'stages':[{'id':'x','type':'wait','config':{'k':'{% pipelineId gone %}'},'inject':{'last':true}}]}");
    assert_error(no_pipeline, "application app has no pipeline gone");
}

static void test_partials(void) {
    save("{'id':'t','schema':'1','partials':[{'id':'pair','variables':[{'name':'w','type':'int'}],'stages':[{'id':'one','type':'wait','"
         "config':"
         "{'waitTime':'{{ w }}'}},{'id':'two','type':'wait','dependsOn':['one']}]}],"
         "'stages':[{'id':'a','type':'wait'},{'id':'p','type':'partial.pair','dependsOn':['a'],'config':{'w':7}},{'id':'z','type':'wait','"
         "dependsOn':['p']}]}");
    g_autoptr(Json) expanded = expand("{}");
    assert_no_errors(expanded);
    assert_shape(expanded, "a z<p.two p.one<a p.two<p.one");
    g_assert_cmpint(json_get_int(stage_at(expanded, 2), "waitTime", 0), ==, 7);
    g_autoptr(Json) unknown = expand("{'stages':[{'id':'x','type':'partial.no','inject':{'last':true}}]}");
    assert_error(unknown, "there is no such partial");
    save("{'id':'t','schema':'1','partials':[{'id':'self','stages':[{'id':'s','type':'partial.self'}]}],'stages':[{'id':'p','type':'"
         "partial.self'}]}");
    g_autoptr(Json) deep = expand("{}");
    assert_error(deep, "too deep inside each other");
}

static void test_sources(void) {
    g_autoptr(Json) missing = expand("{'pipeline':{'template':{'source':'spinnaker://absent'}}}");
    assert_error(missing, "Failed to load template spinnaker://absent: Pipeline template absent not found");
    g_autoptr(Json) file = expand("{'pipeline':{'template':{'source':'file:///etc/hostname'}}}");
    assert_error(file, "only with pipeline-templates.allowFiles");
    g_autoptr(Json) web = expand("{'pipeline':{'template':{'source':'http://127.0.0.1/x'}}}");
    assert_error(web, "templates from the web are not read here");
    g_autoptr(Json) other = expand("{'pipeline':{'template':{'source':'ftp://x'}}}");
    assert_error(other, "expected spinnaker://");
    save("{'id':'t','schema':'v2','pipeline':{}}");
    g_autoptr(Json) version = expand("{}");
    assert_error(version, "expected '1', got 'v2'");
    g_autoptr(Json) none = expand("{'pipeline':{'template':{'source':''}},'stages':[{'id':'x','type':'wait'}]}");
    assert_no_errors(none);
    assert_shape(none, "x");
}

static void check_path(const char *document, const char *path, PathChange change, const char *value, const char *expected) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) given = parse(document);
    g_autoptr(Json) with = parse(value);
    g_autoptr(Json) changed = path_change(json_root(given), path, change, json_root(with), &error);
    if (expected == NULL) {
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        return;
    }
    g_assert_no_error(error);
    assert_text(json_root(changed), expected);
}

static void test_paths(void) {
    check_path("{'a':1}", "$.a", PATH_REPLACE, "2", "{'a':2}");
    check_path("{'a':1}", "a", PATH_REPLACE, "2", "{'a':2}");
    check_path("{}", "$.a.b['c d']", PATH_REPLACE, "2", "{'a':{'b':{'c d':2}}}");
    check_path("{'a':[1,{'b':1}]}", "$.a[1].b", PATH_REPLACE, "2", "{'a':[1,{'b':2}]}");
    check_path("{'a':[1]}", "$.a[1]", PATH_REPLACE, "2", "{'a':[1,2]}");
    check_path("{'a':[1]}", "$.a", PATH_MERGE, "[2]", "{'a':[1,2]}");
    check_path("{'a':[1]}", "$.a", PATH_MERGE, "2", "{'a':[1,2]}");
    check_path("{'a':{'b':1}}", "$.a", PATH_MERGE, "{'c':2}", "{'a':{'b':1,'c':2}}");
    check_path("{'a':[1,2]}", "$.a[0]", PATH_REMOVE, "0", "{'a':[2]}");
    check_path("{'a':1,'b':2}", "$.a", PATH_REMOVE, "0", "{'b':2}");
    check_path("{'b':2}", "$.a.c", PATH_REMOVE, "0", "{'b':2}");
    check_path("{'a':1}", "$.a.b", PATH_REPLACE, "2", NULL);
    check_path("{'a':[1]}", "$.a.b", PATH_REPLACE, "2", NULL);
    check_path("{'a':1}", "$.*", PATH_REPLACE, "2", NULL);
    check_path("{'a':1}", "$[", PATH_REPLACE, "2", NULL);
    check_path("{'a':1}", "$.a..b", PATH_REPLACE, "2", NULL);
}

static void test_convert(void) {
    g_autoptr(Json) pipeline = parse(
        "{'name':'n','application':'app','limitConcurrent':true,'stages':[{'refId':'1','type':'wait','name':'W','waitTime':5},"
        "{'refId':'2','requisiteStageRefIds':['1'],'type':'noop'}]}");
    g_autoptr(Json) template = templates_convert(json_root(pipeline));
    assert_text(json_get(json_root(template), "stages"), "[{'id':'wait1','type':'wait','dependsOn':[],'name':'W','config':{'waitTime':5}},"
                                                         "{'id':'noop2','type':'noop','dependsOn':['wait1'],'config':{}}]");
    assert_text(json_dig(json_root(template), "configuration", "concurrentExecutions", NULL), "{'limitConcurrent':true}");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder = folder_new();
    store = store_open_at(folder);
    g_test_add_func("/templates-v1/variables-and-rendering", test_variables_and_rendering);
    g_test_add_func("/templates-v1/inheritance", test_inheritance);
    g_test_add_func("/templates-v1/conditions", test_conditions);
    g_test_add_func("/templates-v1/stages-of-the-configuration", test_stages_of_the_configuration);
    g_test_add_func("/templates-v1/modules", test_modules);
    g_test_add_func("/templates-v1/partials", test_partials);
    g_test_add_func("/templates-v1/sources", test_sources);
    g_test_add_func("/templates-v1/paths", test_paths);
    g_test_add_func("/templates-v1/convert", test_convert);
    int code = g_test_run();
    store_close(store);
    remove_tree(folder);
    return code;
}
