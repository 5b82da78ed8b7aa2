/* The renderer of templates: what it knows, and what bounds it (engine.md 24.2; triggers.md 11.3). */
#include "templates/jinja.h"
#include "templates_testing.h"

static const char CONTEXT[] = "{'app':'shop','n':4,'ratio':0.5,'on':true,'off':false,'nothing':null,'list':['b','a','c'],'numbers':[3,9,1],"
                              "'map':{'x':1,'y':{'z':'deep'}},'empty':[],'people':[{'name':'ann','age':3},{'name':'bob','age':5}]}";

static char *upper_tag(const JsonValue *arguments, const JsonValue *scope, gpointer data, GError **error) {
    (void)data;
    if (json_get(arguments, "fail") != NULL) {
        error_set(error, ERR_INVALID, "asked to");
        return NULL;
    }
    g_autofree char *text = json_write(arguments, NULL);
    return g_strconcat(text, json_get_string(scope, "app"), NULL);
}

static Json *twice(const JsonValue *value, const JsonValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)arguments, (void)n, (void)data, (void)error;
    return json_from_int(2 * json_int(value, 0));
}

static char *render(const char *template, GError **error) {
    static const JinjaTag TAGS[] = {{"show", upper_tag}, {0}};
    static const JinjaFilter FILTERS[] = {{"twice", twice}, {0}};
    const JinjaOptions options = {.tags = TAGS, .filters = FILTERS, .steps_max = 20000, .output_max = 10000};
    g_autoptr(Json) context = parse(CONTEXT);
    return jinja_render(template, json_root(context), &options, error);
}

static void test_renders(void) {
    static const struct {
        const char *template, *expected;
    } CASES[] = {
        {"plain { text }", "plain { text }"},
        {"{{ app }}-{{ n }}-{{ on }}-{{ ratio }}", "shop-4-true-0.5"},
        {"[{{ missing }}{{ nothing }}{{ missing.deeper }}]", "[]"},
        {"{{ map.y.z }} {{ map['x'] }} {{ list[0] }} {{ list[-1] }} {{ list.1 }} {{ list[7] }}", "deep 1 b c a "},
        {"{{ list }} {{ map }}", "[\"b\",\"a\",\"c\"] {\"x\":1,\"y\":{\"z\":\"deep\"}}"},
        {"{{ n + 1 }} {{ n - 5 }} {{ n * 2 }} {{ n / 8 }} {{ n // 3 }} {{ n % 3 }} {{ -n }} {{ -7 // 2 }} {{ -7 % 3 }}",
         "5 -1 8 0.5 1 1 -4 -4 2"},
        {"{{ 'a' + n }} {{ n ~ 1 }} {{ list + ['d'] }}", "a4 41 [\"b\",\"a\",\"c\",\"d\"]"},
        {"{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }}", "7 9"},
        {"{{ n == 4 }} {{ n != 4 }} {{ n < 5 and n >= 4 }} {{ 'a' < 'b' }} {{ missing == none }}", "true false true true true"},
        {"{{ 'a' in list }} {{ 'z' in list }} {{ 'z' not in list }} {{ 'ho' in app }} {{ 'x' in map }}", "true false true true true"},
        {"{{ not on }} {{ missing or 'else' }} {{ on and app }} {{ not (n == 4) }}", "false else shop false"},
        {"{{ missing is defined }} {{ app is defined }} {{ app is not defined }} {{ n is even }} {{ map is mapping }} {{ nothing is none "
         "}}",
         "false true false true true true"},
        {"{{ 'yes' if on else 'no' }} {{ 'yes' if off else 'no' }} {{ 'x' if off }}", "yes no "},
        {"{% if off %}a{% elif n == 4 %}b{% else %}c{% endif %}", "b"},
        {"{% if off %}a{% else %}c{% endif %}{% if empty %}x{% endif %}{% if map %}y{% endif %}", "cy"},
        {"{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "1b,2a,3c"},
        {"{% for k, v in map.y %}{{ k }}={{ v }}{% endfor %} {% for k in map %}{{ k }}{% endfor %}", "z=deep xy"},
        {"{% for k, v in map.y.items() %}{{ k }}={{ v }}{% endfor %}", "z=deep"},
        {"{% for x in empty %}a{% else %}none{% endfor %}", "none"},
        {"{% for p in people %}{% for i in range(2) %}{{ p.name }}{{ i }} {% endfor %}{% endfor %}", "ann0 ann1 bob0 bob1 "},
        {"{% set x = n * 2 %}{{ x }}{% for i in range(1) %}{% set x = 1 %}{{ x }}{% endfor %}{{ x }}", "818"},
        {"a {#- no -#} b", "ab"},
        {"a {%- if on -%} b {%- endif -%} c", "abc"},
        {"{% raw %}{{ app }}{% if %}{% endraw %}!", "{{ app }}{% if %}!"},
        {"{{ '}}' }}{{ \"it's\" }}{{ 'a\\n' }}", "}}it'sa\n"},
        {"${ {{ app }} }", "${ shop }"},
        {"{{ missing|default('d') }} {{ ''|default('d') }} {{ ''|default('d', true) }} {{ app|default('d') }}", "d  d shop"},
        {"{{ app|upper|lower }} {{ app|capitalize }} {{ ' x '|trim }} {{ app|length }} {{ list|count }}", "shop Shop x 4 3"},
        {"{{ app|base64 }} {{ list|json }} {{ app|json }} {{ map.x|tojson }}", "c2hvcA== [\"b\",\"a\",\"c\"] \"shop\" 1"},
        {"{{ numbers|max }} {{ numbers|min }} {{ n|max(7) }} {{ n|min(7, 2) }}", "9 1 7 2"},
        {"{{ list|join('-') }} {{ 'a,b'|split(',')|last }} {{ list|sort|first }} {{ list|reverse }}", "b-a-c b a [\"c\",\"a\",\"b\"]"},
        {"{{ 'aXbX'|replace('X', '.') }} {{ 'a:b'.split(':')[1] }} {{ '7'|int + 1 }} {{ 'x'|int(5) }} {{ '1.5'|float }}", "a.b. b 8 5 1.5"},
        {"{{ [1,1,2]|unique }} {{ map|keys }} {{ {'a': n, 'b': [1]} }} {{ map.get('q', 'no') }}",
         "[1,2] [\"x\",\"y\"] {\"a\":4,\"b\":[1]} no"},
        {"{{ n|twice }} {% show first a=1 b=app, c='x y' %}", "8 {\"\":\"first\",\"a\":1,\"b\":\"shop\",\"c\":\"x y\"}shop"},
        {"{{ range(1, 4) }} {{ range(3, 0, -1) }} {{ range(5, 1) }}", "[1,2,3] [3,2,1] []"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = render(CASES[i].template, &error);
        if (error != NULL)
            g_error("%s: %s", CASES[i].template, error->message);
        g_assert_cmpstr(text, ==, CASES[i].expected);
    }
}

static void test_refuses(void) {
    static const struct {
        const char *template;
        ErrorCode code;
        const char *part;
    } CASES[] = {
        {"a\n{{ app", ERR_INVALID, "line 2: {{ is not closed"},
        {"{% if on %}", ERR_INVALID, "where {% endif %} is expected"},
        {"{% for x in list %}", ERR_INVALID, "where {% endfor %} is expected"},
        {"{% endif %}", ERR_INVALID, "unknown tag endif"},
        {"{% include 'x' %}", ERR_INVALID, "unknown tag include"},
        {"{% for in list %}{% endfor %}", ERR_INVALID, "expected NAME in"},
        {"{% set x %}", ERR_INVALID, "expected NAME ="},
        {"{{ }}", ERR_INVALID, "expected an expression"},
        {"{{ app app }}", ERR_INVALID, "unexpected app"},
        {"{{ app|nothing }}", ERR_INVALID, "unknown filter nothing"},
        {"{{ app is nothing }}", ERR_INVALID, "unknown test nothing"},
        {"{{ 'a' - 1 }}", ERR_INVALID, "needs two numbers"},
        {"{{ 1 / 0 }}", ERR_INVALID, "division by zero"},
        {"{{ 1 < 'a' }}", ERR_INVALID, "compares two numbers"},
        {"{{ 'a }}", ERR_INVALID, "is not closed"},
        {"{{ a ? b }}", ERR_INVALID, "unexpected character ?"},
        {"{{ [1 2] }}", ERR_INVALID, "expected , or ]"},
        {"{% raw %}x", ERR_INVALID, "raw has no endraw"},
        {"{% show fail=1 %}", ERR_INVALID, "show: asked to"},
        {"{{ app|replace('x') }}", ERR_INVALID, "what to replace"},
        {"{% for a in range(999999999) %}{% endfor %}", ERR_LIMIT, "more than 20000 steps"},
        {"{% for a in range(200) %}{% for b in range(200) %}{% endfor %}{% endfor %}", ERR_LIMIT, "more than 20000 steps"},
        {"{% for a in range(2000) %}{{ app }}{{ app }}{% endfor %}", ERR_LIMIT, "more than 10000 bytes"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = render(CASES[i].template, &error);
        if (text != NULL)
            g_error("%s: rendered as %s", CASES[i].template, text);
        g_assert_error(error, GENNAKER_ERROR, (int)CASES[i].code);
        if (strstr(error->message, CASES[i].part) == NULL)
            g_error("\"%s\" not in \"%s\"", CASES[i].part, error->message);
    }
}

static void check_deep(const char *open, const char *close) {
    g_autoptr(GString) text = g_string_new("{{ ");
    for (int i = 0; i < 10000; i++)
        g_string_append(text, open);
    g_string_append(text, "1");
    for (int i = 0; i < 10000; i++)
        g_string_append(text, close);
    g_string_append(text, " }}");
    g_autoptr(GError) error = NULL;
    g_assert_null(render(text->str, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
}

static void test_limits(void) {
    check_deep("(", ")");
    check_deep("[", "]");
    check_deep("-", "");
    g_autoptr(GString) blocks = g_string_new(NULL);
    for (int i = 0; i < 1000; i++)
        g_string_append(blocks, "{% if on %}");
    g_autoptr(GError) error = NULL;
    g_assert_null(render(blocks->str, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    /* a text that doubles each time */
    g_assert_null(render(
        "{% set x = 'aaaaaaaa' %}{% for i in range(3) %}{% endfor %}{% set x = x+x+x+x+x+x+x+x+x+x %}{% set x = x+x+x+x+x+x+x+x+x+x %}"
        "{% set x = x+x+x+x+x+x+x+x+x+x %}{% set x = x+x+x+x+x+x+x+x+x+x %}",
        &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    g_autofree char *long_text = g_strnfill(JINJA_TEMPLATE_MAX + 1, 'a');
    g_assert_null(render(long_text, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/jinja/renders", test_renders);
    g_test_add_func("/jinja/refuses", test_refuses);
    g_test_add_func("/jinja/limits", test_limits);
    return g_test_run();
}
