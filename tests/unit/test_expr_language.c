/* The expression language, statement by statement: what each expression gives, as JSON text; E: an error. */
#include "expr/expr.h"

#define NOW_MS G_GINT64_CONSTANT(1700000000123) /* 2023-11-14T22:13:20.123Z */

static const char context_text[] =
    "{\"app\":\"storefront\",\"n\":4,\"big\":9000000000,\"ratio\":0.75,\"on\":true,\"nothing\":null,\"empty\":\"\",\"none\":[],\"which\":"
    "\"tier\","
    "\"labels\":{\"team\":\"checkout\",\"tier\":\"web\",\"weight\":10,\"size\":\"XL\",\"a-b\":1},\"sizes\":[3,8,1,12],\"i\":2,"
    "\"regions\":[\"us-east-1\",\"eu-west-1\",\"us-west-2\"],\"huge\":123456789012345678901234567890,\"uml\":\"gr\\u00fc\\u00dfe\","
    "\"pair\":\"a\\ud83d\\ude00b\",\"nested\":[[1,2],[3]],\"holes\":[1,null,2],\"maps\":[{\"k\":1,\"t\":[\"x\"]},{\"k\":2,\"t\":[]},{\"k\":"
    "3}],"
    "\"limit\":2,\"csv\":\"red,green,,blue,,\",\"text\":\"3\"}";

typedef struct {
    const char *expression, *expected;
} Row;

static const JsonValue *lookup(const char *name, gpointer data) {
    return json_get(json_root(data), name);
}

static void check_rows(const Row *rows, gsize count) {
    static const char *const names[] = {"app", "n", "labels", NULL};
    g_autoptr(Json) context = json_parse(context_text, -1, NULL);
    g_assert_nonnull(context);
    const ExprOptions options = {.lookup = lookup, .data = context, .now_ms = NOW_MS, .random = 42, .root_names = names};
    for (gsize i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) value = expr_evaluate(rows[i].expression, &options, &error);
        g_autofree char *text = value ? json_write(json_root(value), NULL) : g_strdup("E");
        if (g_strcmp0(text, rows[i].expected) == 0)
            continue;
        g_test_message("%s: expected %s, got %s %s", rows[i].expression, rows[i].expected, text, error ? error->message : "");
        g_test_fail();
    }
}
#define CHECK(...)                                                                                                                         \
    static const Row rows[] = {__VA_ARGS__};                                                                                               \
    check_rows(rows, G_N_ELEMENTS(rows))

static void test_literals(void) {
    CHECK({"42", "42"}, {"0xFF", "255"}, {"0xFFL", "255"}, {"42L", "42"}, {"1.5", "1.5"}, {"1e3", "1000.0"}, {"1.5e-3", "0.0015"},
          {"1.5d", "1.5"}, {"0.1f", "0.1"}, {"2147483648", "E"}, {"2147483647", "2147483647"},
          {"9223372036854775807L", "9223372036854775807"}, {"9223372036854775808L", "E"}, {"'It''s'", "\"It's\""},
          {"\"say \"\"hi\"\"\"", "\"say \\\"hi\\\"\""}, {"'\\n'", "\"\\\\n\""}, {"TRUE", "true"}, {"False", "false"}, {"NULL", "null"},
          {"{1, 'a', n}", "[1,\"a\",4]"}, {"{}", "[]"}, {"{:}", "{}"},
          {"{a: 1, 'b c': 2, (k): 3, n: n}", "{\"a\":1,\"b c\":2,\"k\":3,\"n\":4}"}, {"{a: {b: {1,2}}}", "{\"a\":{\"b\":[1,2]}}"},
          {"new int[]{1,2}", "[1,2]"}, {"new String[]{'a', 1}", "[\"a\",\"1\"]"}, {"new int[3]", "[0,0,0]"}, {"new int[2]{1}", "E"},
          {"new Object[1]", "E"}, {"new int[-1]", "E"}, {"5.toString()", "\"5\""}, {"5.", "E"}, {"1.5L", "E"}, {"1e", "E"}, {"0x", "E"},
          {"'open", "E"}, {"`x`", "E"}, {"a | b", "E"}, {"", "E"}, {"1 2", "E"});
}

static void test_arithmetic(void) {
    CHECK({"7 / 2", "3"}, {"-7 / 2", "-3"}, {"-7 % 3", "-1"}, {"7 % -3", "1"}, {"7 / 2.0", "3.5"}, {"1 / 0", "E"}, {"1 % 0", "E"},
          {"1.0 / 0", "\"Infinity\""}, {"0.0 / 0", "\"NaN\""}, {"2147483647 + 1", "-2147483648"}, {"2147483647L + 1", "2147483648"},
          {"-2147483647 - 1", "-2147483648"}, {"2147483647 * 2", "-2"}, {"2 ^ 31", "2147483648"}, {"2 ^ 10", "1024"}, {"2 ^ 3 ^ 2", "E"},
          {"2L ^ 3", "8"}, {"2.0 ^ 3", "8.0"}, {"2 ^ -1", "0"}, {"-2 ^ 2", "4"}, {"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"7 DIV 2", "3"},
          {"7 Mod 4", "3"}, {"10 - 3 - 2", "5"}, {"'1' + 1", "\"11\""}, {"1 + '1'", "\"11\""}, {"1 + 2 + 'x'", "\"3x\""},
          {"'x' + 1 + 2", "\"x12\""}, {"'x' + null", "\"xnull\""}, {"null + 'x'", "\"nullx\""}, {"1 + null", "E"}, {"true + 1", "E"},
          {"sizes + sizes", "E"}, {"'x' + sizes", "\"x3,8,1,12\""},
          {"'x' + labels", "\"x{team=checkout, tier=web, weight=10, size=XL, a-b=1}\""}, {"'x' + maps", "E"}, {"'d' - 1", "\"c\""},
          {"'dd' - 1", "E"}, {"-'x'", "E"}, {"'ab' * 3", "\"ababab\""}, {"3 * 'ab'", "E"}, {"'ab' * -1", "E"}, {"text + 1", "\"31\""},
          {"text * 2", "\"33\""}, {"big + 1", "9000000001"}, {"big * big", "7213023705161793536"},
          {"huge + 1", "123456789012345678901234567891"}, {"huge - huge", "0"}, {"huge % 7", "0"},
          {"huge ^ 2", "15241578753238836750495351562536198787501905199875019052100"}, {"huge > 5", "true"}, {"huge / 0", "E"},
          {"-huge", "-123456789012345678901234567890"}, {"0.1 + 0.2", "0.30000000000000004"}, {"1.5f + 1", "2.5"}, {"0.1f + 0.2f", "0.3"},
          {"-n", "-4"}, {"+n", "4"}, {"+'x'", "E"}, {"--n", "3"}, {"n++", "4"}, {"5++", "E"});
}

static void test_relations(void) {
    CHECK({"1 == 1.0", "true"}, {"1L == 1", "true"}, {"1 == '1'", "false"}, {"true == 'true'", "false"}, {"null == nothing", "true"},
          {"sizes == {3,8,1,12}", "true"}, {"sizes == {8,3,1,12}", "false"}, {"sizes == {3L,8,1,12}", "false"},
          {"{a:1,b:2} == {b:2,a:1}", "true"}, {"'abc'.charAt(0) == 'a'", "false"}, {"'abc'[0] == 'a'", "true"},
          {"app eq 'storefront'", "true"}, {"app NE 'x'", "true"}, {"'10' < '9'", "true"}, {"'B' < 'a'", "true"}, {"false < true", "true"},
          {"nothing < 1", "true"}, {"1 > nothing", "true"}, {"nothing >= nothing", "true"}, {"1 < 'x'", "E"}, {"sizes < 1", "E"},
          {"1 < 2 == true", "E"}, {"3 > 2 > 1", "E"}, {"n between {1, 5}", "true"}, {"n between {5, 9}", "false"}, {"n between {1}", "E"},
          {"n between {'a','b'}", "E"}, {"n BETWEEN {4, 4}", "true"}, {"app matches 'store'", "false"}, {"app matches 'store.*'", "true"},
          {"12 matches '\\d+'", "true"}, {"nothing matches 'x'", "E"}, {"app matches '('", "E"}, {"app instanceof T(String)", "true"},
          {"nothing instanceof T(String)", "false"}, {"n instanceof T(Integer)", "true"}, {"n instanceof T(Long)", "false"},
          {"n instanceof T(java.util.List)", "E"}, {"n instanceof 5", "E"}, {"0.0/0 == 0.0/0", "false"}, {"0.0/0 < 1", "false"},
          {"2 LT 3", "true"}, {"2 ge 3", "false"});
}

static void test_logic(void) {
    CHECK({"true and false", "false"}, {"on && n > 3", "true"}, {"false and (1/0 == 1)", "false"}, {"true or (1/0 == 1)", "true"},
          {"!on", "false"}, {"not on and true", "false"}, {"'yes' and 'ON'", "true"}, {"' true ' and 'off'", "false"},
          {"'maybe' and true", "E"}, {"'' and true", "E"}, {"nothing and true", "E"}, {"1 or true", "E"}, {"!nothing", "E"},
          {"on ? 'a' : 'b'", "\"a\""}, {"n > 10 ? 'xl' : n > 3 ? 'm' : 's'", "\"m\""}, {"nothing ? 1 : 2", "E"}, {"nothing ?: 7", "7"},
          {"empty ?: 7", "7"}, {"none ?: 7", "[]"}, {"false ?: 7", "false"}, {"0 ?: 7", "0"}, {"nothing ?: empty ?: 'z'", "\"z\""},
          {"n ?: 'a' + 'b'", "4"}, {"nothing ?: 'a' + 'b'", "\"ab\""}, {"on ? null : 1", "null"}, {"true AND true OR false", "true"},
          {"x ? :", "E"});
}

static void test_access(void) {
    CHECK({"labels.team", "\"checkout\""}, {"labels['team']", "\"checkout\""}, {"labels[tier]", "\"web\""}, {"labels[which]", "null"},
          {"labels[#root.which]", "\"web\""}, {"labels.size", "\"XL\""}, {"labels.class", "null"}, {"labels.size()", "5"},
          {"labels['a-b']", "1"}, {"labels.missing", "null"}, {"missing", "null"}, {"missing.a", "E"}, {"missing?.a", "null"},
          {"missing?.a.b", "E"}, {"missing?.a?.b", "null"}, {"app.empty", "false"}, {"app.length", "10"},
          {"app.toUpperCase", "\"STOREFRONT\""}, {"app.name", "E"}, {"app.class", "E"}, {"sizes.size", "4"}, {"sizes.empty", "false"},
          {"sizes.name", "E"}, {"n.intValue", "4"}, {"csv.split(',').length", "4"}, {"sizes[1]", "8"}, {"sizes['1']", "8"},
          {"sizes[-1]", "E"}, {"sizes[4]", "E"}, {"sizes[i - 1]", "8"}, {"sizes[sizes.size() - 1]", "12"}, {"sizes['x']", "E"},
          {"sizes[nothing]", "E"}, {"app[0]", "\"s\""}, {"app[99]", "E"}, {"nothing[0]", "E"}, {"nothing?.[0]", "null"},
          {"sizes?.[9]", "E"}, {"['which']", "\"tier\""}, {"labels.keySet()[0]", "\"team\""}, {"labels.values()[2]", "10"},
          {"labels.keySet()", "[\"team\",\"tier\",\"weight\",\"size\",\"a-b\"]"}, {"#root.app", "\"storefront\""}, {"#this.n", "4"},
          {"#unknown", "null"}, {"#root.containsKey('app')", "true"}, {"#root.containsKey('big')", "false"},
          {"#root.keySet()", "[\"app\",\"n\",\"labels\"]"}, {"{a:{b:5}}.a.b", "5"}, {"{1,2}[1]", "2"}, {"n.class", "E"}, {"n[0]", "E"},
          {"labels[1]", "null"}, {"T(Math).PI", "E"}, {"nested[0][1]", "2"}, {"maps[0].t[0]", "\"x\""});
}

static void test_selections(void) {
    CHECK({"sizes.?[#this > 2]", "[3,8,12]"}, {"sizes.^[#this > 2]", "3"}, {"sizes.$[#this > 2]", "12"},
          {"sizes.![#this * 10]", "[30,80,10,120]"}, {"maps.?[k > #root.limit]", "[{\"k\":3}]"},
          {"maps.?[k > limit]", "[{\"k\":1,\"t\":[\"x\"]},{\"k\":2,\"t\":[]},{\"k\":3}]"}, {"maps.![k]", "[1,2,3]"},
          {"maps.![missing]", "[null,null,null]"}, {"maps.![t?.size()]", "[1,0,null]"}, {"maps.![t.size()]", "E"}, {"sizes.?[#this]", "E"},
          {"sizes.?['true']", "E"}, {"nothing.?[true]", "E"}, {"nothing?.?[true]", "null"}, {"nothing?.![k]", "null"}, {"app.?[true]", "E"},
          {"n.![k]", "E"}, {"sizes.^[#this > 99]", "null"}, {"sizes.?[#this > 99]", "[]"}, {"sizes.?[#this > 99][0]", "E"},
          {"maps.^[k == 9]?.k ?: 'none'", "\"none\""}, {"labels.![value]", "E"}, {"labels.![key]", "E"}, {"labels.?[value > 1]", "E"},
          {"labels.keySet().?[#this.startsWith('t')]", "[\"team\",\"tier\"]"}, {"{a:1}.![#this]", "[{\"a\":1}]"},
          {"{a:1,b:2}.?[true]", "{\"a\":1,\"b\":2}"}, {"{a:1,b:2}.^[true]", "{\"a\":1}"},
          {"csv.split(',').?[length > 3]", "[\"green\",\"blue\"]"}, {"csv.split(',').![length]", "[3,5,0,4]"},
          {"nested.![#this.?[#this > 1]]", "[[2],[3]]"}, {"maps.?[k > 1].![k].size()", "2"},
          {"holes.![#this?.toString()]", "[\"1\",null,\"2\"]"});
}

static void test_strings(void) {
    CHECK({"app.substring(5)", "\"front\""}, {"app.substring(0, 5)", "\"store\""}, {"app.substring(50)", "E"}, {"app.substring(3, 1)", "E"},
          {"app.replace('o', '0')", "\"st0refr0nt\""}, {"'aaa'.replace('', '-')", "\"-a-a-a-\""},
          {"app.replaceAll('[aeiou]', '')", "\"strfrnt\""}, {"'a1b2'.replaceAll('([a-z])(\\d)', '$2$1')", "\"1a2b\""},
          {"'x'.replaceAll('x', '$')", "E"}, {"'x'.replaceAll('x', '\\$')", "\"$\""}, {"'aXbX'.replaceFirst('X', '-')", "\"a-bX\""},
          {"'abc'.replaceAll('', '-')", "\"-a-b-c-\""}, {"csv.split(',')", "[\"red\",\"green\",\"\",\"blue\"]"},
          {"csv.split(',', -1).length", "6"}, {"csv.split(',', 2)", "[\"red\",\"green,,blue,,\"]"}, {"'1.2.3'.split('.')", "[]"},
          {"'1.2.3'.split('\\.')", "[\"1\",\"2\",\"3\"]"}, {"',a'.split(',')", "[\"\",\"a\"]"}, {"'abc'.split('')", "[\"a\",\"b\",\"c\"]"},
          {"''.split(',')", "[\"\"]"}, {"csv.split(',').contains('red')", "E"}, {"#toJson(csv.split(',')).contains('red')", "true"},
          {"'abc'.contains(1)", "E"}, {"'a1'.concat(1)", "\"a11\""}, {"'abcabc'.indexOf('c')", "2"}, {"'abcabc'.indexOf('c', 3)", "5"},
          {"'abcabc'.lastIndexOf('b')", "4"}, {"'abc'.indexOf('z')", "-1"}, {"'abc'.indexOf(98)", "1"}, {"'a'.compareTo('c')", "-2"},
          {"'abc'.compareTo('ab')", "1"}, {"'ABC'.equalsIgnoreCase('abc')", "true"}, {"'  x '.trim()", "\"x\""}, {"' x '.strip()", "\"x\""},
          {"' '.isBlank()", "true"}, {"'ab'.repeat(3)", "\"ababab\""}, {"'abc'.hashCode()", "96354"}, {"'abc'.charAt(1)", "\"b\""},
          {"'abc'.charAt(9)", "E"}, {"'abc'.chars()", "E"}, {"'abc'.lines()", "E"}, {"'abc'.subSequence(0,1)", "E"},
          {"'abc'.getBytes()", "\"YWJj\""}, {"'abc'.toCharArray()", "\"abc\""}, {"'abc'.toCharArray()[1]", "\"b\""},
          {"uml.toUpperCase()", "\"GRÜSSE\""}, {"pair.length()", "4"}, {"pair.substring(1, 3)", "\"😀\""}, {"pair.indexOf('b')", "3"},
          {"pair.codePointAt(1)", "128512"}, {"T(String).format('%s:%03d', app, n)", "\"storefront:004\""},
          {"T(String).format('%-6s|%6.2f|%x|%b|%%', 'a', 3.14159, 255, true)", "\"a     |  3.14|ff|true|%\""},
          {"T(String).format('%5d|%+d|%,d', 42, 7, 1234567)", "\"   42|+7|1,234,567\""},
          {"T(String).format('%.2f %.1f %.0f', 1.005, 0.25, 2.5)", "\"1.01 0.3 3\""},
          {"T(String).format('%e', 12345.678)", "\"1.234568e+04\""}, {"T(String).format('%d', 'x')", "E"}, {"T(String).format('%s')", "E"},
          {"T(String).format('%2$s %1$s %<s', 'a', 'b')", "\"b a a\""}, {"T(String).format('%S', 'up')", "\"UP\""},
          {"'%d'.formatted(5)", "\"5\""}, {"T(String).format('%5')", "E"}, {"T(String).format('%2147483647d', 1)", "E"},
          {"T(String).join('|', regions)", "\"us-east-1|eu-west-1|us-west-2\""}, {"T(String).join('-', 'a', 'b')", "\"a-b\""},
          {"T(String).join(',', sizes)", "E"}, {"T(String).join('-', new String[]{'a','b'})", "\"a-b\""}, {"T(String).valueOf(5)", "\"5\""},
          {"new String('x')", "\"x\""}, {"'a\\tb'.translateEscapes()", "\"a\\tb\""}, {"'abc'.matches('[a-c]+')", "true"},
          {"'x'.getClass()", "E"}, {"'x'.wait()", "E"}, {"nothing.trim()", "E"}, {"nothing?.trim()", "null"},
          {"'abc'.regionMatches(1, 'xbc', 1, 2)", "true"}, {"'a,b'.split(',')[5]", "E"});
}

static void test_collections(void) {
    CHECK({"sizes.size()", "4"}, {"sizes.contains(8)", "true"}, {"sizes.contains(8L)", "false"}, {"sizes.indexOf(1)", "2"},
          {"sizes.get(0)", "E"}, {"sizes.iterator()", "E"}, {"sizes.stream()", "E"}, {"sizes.toString()", "\"[3, 8, 1, 12]\""},
          {"sizes.subList(1, 3)", "[8,1]"}, {"sizes.subList(3, 1)", "E"}, {"{'a','b'}.containsAll({'a'})", "true"},
          {"{1,2}.hashCode()", "994"}, {"{1,2}.equals({1,2})", "true"}, {"sizes.add(5)", "true"}, {"{1,2}.add(3)", "E"},
          {"{1,n}.add(3)", "true"}, {"sizes.clear()", "null"}, {"sizes.sort(null)", "null"},
          {"{sizes.sort(null), sizes}", "[null,[1,3,8,12]]"}, {"{sizes.remove(8), sizes}", "[true,[3,1,12]]"},
          {"{sizes.addAll(sizes), sizes.size()}", "[true,8]"}, {"{sizes.retainAll({1,3}), sizes}", "[true,[3,1]]"},
          {"labels.containsKey('team')", "true"}, {"labels.containsValue(10)", "true"}, {"labels.get('team')", "E"},
          {"labels.getOrDefault('x', 1)", "E"}, {"labels.put('x', 1)", "E"}, {"labels.remove('team')", "E"}, {"labels.isEmpty()", "false"},
          {"labels.values().contains('web')", "true"}, {"{a:1}.toString()", "\"{a=1}\""},
          {"{labels.remove('team','checkout'), labels.size()}", "[true,4]"}, {"labels.entrySet().size()", "5"}, {"{i = 6, i}", "[6,6]"},
          {"{labels.x = 6, labels.x}", "[6,6]"}, {"{sizes[0] = 9, sizes[0]}", "[9,9]"}, {"{#v = 3, #v + 1}", "[3,4]"}, {"1 = 2", "E"},
          {"sizes[9] = 1", "E"}, {"{holes.toString(), holes.hashCode()}", "[\"[1, null, 2]\",30754]"},
          {"{sizes.add(sizes), 1}", "[true,1]"}, {"{sizes.add(sizes), sizes}", "E"});
}

static void test_types(void) {
    CHECK({"T(java.lang.Math).round(2.5)", "3"}, {"T(Math).round(-2.5)", "-2"}, {"T(Math).max(3, 7)", "7"},
          {"T(Math).max(2.5, 3.0)", "3.0"}, {"T(Math).max(3, 7.5)", "E"}, {"T(Math).max(big, 3)", "E"},
          {"T(Math).max(big, 3L)", "9000000000"}, {"T(Math).floor(7)", "7.0"}, {"T(Math).abs('5')", "E"}, {"T(Math).abs(-5)", "5"},
          {"T(Math).signum(5)", "E"}, {"T(Math).signum(-5.0)", "-1.0"}, {"new java.util.Date(0).year", "70"}, {"new Long(5)", "5"},
          {"new Integer('7')", "7"}, {"T(Math).pow(2, 10)", "1024.0"}, {"T(Math).floorMod(-7, 3)", "2"}, {"T(Math).floorDiv(-7, 2)", "-4"},
          {"T(Math).addExact(2147483647, 1)", "E"}, {"T(Math).toIntExact(big)", "E"}, {"T(Math).sqrt(2)", "1.4142135623730951"},
          {"T(Integer).parseInt('77') + 1", "78"}, {"T(Integer).parseInt('x')", "E"}, {"T(Integer).parseInt('ff', 16)", "255"},
          {"T(Integer).valueOf('5')", "5"}, {"T(Integer).toBinaryString(5)", "\"101\""}, {"T(Integer).toHexString(-1)", "\"ffffffff\""},
          {"T(Integer).MAX_VALUE", "E"}, {"T(Integer).getInteger('x')", "E"}, {"T(Long).parseLong('5') + 1", "6"},
          {"T(Double).parseDouble('1.5')", "1.5"}, {"T(Double).isNaN(1.0)", "false"}, {"T(Boolean).parseBoolean('TRUE')", "true"},
          {"T(Boolean).logicalXor(true, false)", "true"}, {"T(Boolean).getBoolean('x')", "E"}, {"T(Boolean).forName('x')", "E"},
          {"T(Float).valueOf(1)", "E"}, {"T(java.util.Collections)", "E"}, {"T(System).getenv()", "E"}, {"T(Thread)", "E"},
          {"new java.io.File('x')", "E"}, {"new java.lang.ProcessBuilder('x')", "E"},
          {"T(java.util.UUID).fromString('0f8fad5b-d9cb-469f-a165-70867728950e').toString()", "\"0f8fad5b-d9cb-469f-a165-70867728950e\""},
          {"T(java.util.UUID).fromString('x')", "E"}, {"T(java.util.UUID).randomUUID().toString().length()", "36"},
          {"T(java.util.UUID).nameUUIDFromBytes('hello'.getBytes())", "\"5d41402a-bc4b-3a76-b971-9d911017c592\""},
          {"new java.util.UUID(1, 2)", "\"00000000-0000-0001-0000-000000000002\""}, {"new java.util.Random(42).nextInt(100)", "30"},
          {"new java.util.Random(42).nextInt()", "-1170105035"}, {"new java.util.Random(42).nextLong()", "-5025562857975149833"},
          {"new java.util.Random(42).nextDouble()", "0.7275636800328681"},
          {"T(java.net.URLEncoder).encode('a b/c', 'UTF-8')", "\"a+b%2Fc\""}, {"@bean", "E"}, {"&bean", "E"}, {"3.7.intValue()", "3"},
          {"7.doubleValue()", "7.0"}, {"200.byteValue()", "-56"}, {"1.0.isNaN()", "false"}, {"5.compareTo(3)", "1"},
          {"T(java.time.temporal.TemporalAdjusters).firstDayOfMonth()", "E"});
}

static void test_dates(void) {
    CHECK(
        {"T(java.time.LocalDate).parse('2024-02-29').plusYears(1).toString()", "\"2025-02-28\""},
        {"T(java.time.LocalDate).of(2024, 2, 30)", "E"}, {"T(java.time.LocalDate).now().toString()", "\"2023-11-14\""},
        {"T(java.time.LocalDate).parse('2021-05-06').dayOfWeek.name()", "\"THURSDAY\""},
        {"T(java.time.LocalDate).parse('2021-05-06').year", "2021"}, {"T(java.time.LocalDate).parse('2021-05-06').monthValue", "5"},
        {"T(java.time.LocalDate).parse('2021-05-06').getMonth()", "E"},
        {"T(java.time.LocalDate).parse('2021-01-31').plusMonths(1).toString()", "\"2021-02-28\""},
        {"T(java.time.LocalDate).parse('2021-05-06').isBefore(T(java.time.LocalDate).parse('2021-05-07'))", "true"},
        {"T(java.time.LocalDate).parse('2021-05-06') < T(java.time.LocalDate).parse('2021-05-07')", "true"},
        {"T(java.time.LocalDate).ofEpochDay(0).toString()", "\"1970-01-01\""},
        {"T(java.time.LocalDate).of(1969, 12, 31).toEpochDay()", "-1"},
        {"T(java.time.LocalDate).parse('2021-05-06').atStartOfDay().toString()", "\"2021-05-06T00:00\""},
        {"T(java.time.LocalDate).parse('2021-13-06')", "E"}, {"'x' + T(java.time.LocalDate).parse('2021-05-06')", "\"x2021-05-06\""},
        {"T(java.time.LocalDateTime).parse('2021-05-06T10:15:30.5').plusHours(20).toString()", "\"2021-05-07T06:15:30.500\""},
        {"T(java.time.LocalDateTime).of(2021,5,6,10,15).getHour()", "10"}, {"T(java.time.LocalDateTime).of(2021,5,6,25,15)", "E"},
        {"T(java.time.LocalDateTime).parse('2021-05-06T10:15:30').toLocalDate().toString()", "\"2021-05-06\""},
        {"T(java.time.Instant).now().toString()", "\"2023-11-14T22:13:20.123Z\""},
        {"T(java.time.Instant).parse('2021-05-06T10:15:30Z').getEpochSecond()", "1620296130"},
        {"T(java.time.Instant).ofEpochSecond(0).plusMillis(-1).toString()", "\"1969-12-31T23:59:59.999Z\""},
        {"T(java.time.Instant).ofEpochSecond(86399).truncatedTo(T(java.time.temporal.ChronoUnit).valueOf('HOURS')).toString()",
         "\"1970-01-01T23:00:00Z\""},
        {"T(java.time.Instant).ofEpochSecond(0).plus(1, T(java.time.temporal.ChronoUnit).valueOf('MONTHS'))", "E"},
        {"T(java.time.temporal.ChronoUnit).valueOf('DAYS').between(T(java.time.LocalDate).parse('2021-05-06'), "
         "T(java.time.LocalDate).parse('2022-05-06'))",
         "365"},
        {"T(java.time.temporal.ChronoUnit).valueOf('MONTHS').between(T(java.time.LocalDate).parse('2021-01-31'), "
         "T(java.time.LocalDate).parse('2021-02-28'))",
         "0"},
        {"T(java.time.temporal.ChronoUnit).DAYS", "E"}, {"T(java.time.temporal.ChronoUnit).valueOf('nope')", "E"},
        {"T(java.time.DayOfWeek).of(1)", "\"MONDAY\""}, {"T(java.time.DayOfWeek).of(7).plus(2).name()", "\"TUESDAY\""},
        {"T(java.time.DayOfWeek).of(8)", "E"}, {"T(java.time.DayOfWeek).MONDAY", "E"}, {"new java.util.Date(0).getTime()", "0"},
        {"new java.util.Date(0).toString()", "\"Thu Jan 01 00:00:00 UTC 1970\""},
        {"T(java.util.Date).from(T(java.time.Instant).ofEpochMilli(5)).getTime()", "5"},
        {"new java.text.SimpleDateFormat('yyyy-MM-dd').parse('2021-05-06').getTime()", "1620259200000"},
        {"new java.text.SimpleDateFormat(\"yyyy-MM-dd'T'HH:mm:ss.SSSZ\").format(new java.util.Date())", "\"2023-11-14T22:13:20.123+0000\""},
        {"new java.text.SimpleDateFormat('EEE, d MMM yy hh:mm a').format(new java.util.Date(0))", "\"Thu, 1 Jan 70 12:00 AM\""},
        {"new java.text.SimpleDateFormat('yyyyMMddHHmmss').parse('20210506101530').getTime()", "1620296130000"},
        {"new java.text.SimpleDateFormat('yyyy').parse('x')", "E"}, {"new java.text.SimpleDateFormat('b')", "E"},
        {"T(java.time.LocalDate).parse('2021-05-06').plusDays(9223372036854775807L)", "E"},
        {"T(java.time.LocalDate).of(999999999,12,31).plusYears(1)", "E"});
}

static void test_functions(void) {
    CHECK({"#toInt('15') + 1", "16"}, {"#toInt(15)", "15"}, {"#toInt('+5')", "5"}, {"#toInt(' 5')", "E"}, {"#toInt('5.5')", "E"},
          {"#toInt(null)", "E"}, {"#toInt('')", "E"}, {"#toFloat('7') + 1", "8.0"}, {"#toFloat('x')", "E"}, {"#toBoolean('TRUE')", "true"},
          {"#toBoolean(null)", "false"}, {"#toBoolean('yes')", "false"}, {"#toBase64('hello world')", "\"aGVsbG8gd29ybGQ=\""},
          {"#fromBase64('aGVsbG8=')", "\"hello\""}, {"#fromBase64('!')", "E"}, {"#alphanumerical('feature/ABC-12_x')", "\"featureABC12x\""},
          {"#toJson(labels)",
           "\"{\\\"team\\\":\\\"checkout\\\",\\\"tier\\\":\\\"web\\\",\\\"weight\\\":10,\\\"size\\\":\\\"XL\\\",\\\"a-b\\\":1}\""},
          {"#toJson({a:null})", "\"{\\\"a\\\":null}\""}, {"#toJson('$' + '{x}')", "E"},
          {"#toJson(#doNotEval('$' + '{x}'))", "\"\\\"${x}\\\"\""}, {"#readJson('{\"k\":[1,2]}').k[1]", "2"}, {"#readJson('[1]')", "[1]"},
          {"#readJson('5')", "E"}, {"#readJson('{')", "E"}, {"#readYaml('a: [1, x]').a[1]", "\"x\""}, {"#readYaml('5')", "5"},
          {"#readYaml('a: \"1\"').a", "\"1\""}, {"#readYaml(#fromBase64('LS0tCmE6IDEKLS0tCmI6IDIK'))", "{\"a\":1}"},
          {"#readAllYaml(#fromBase64('LS0tCmE6IDEKLS0tCmI6IDIK'))", "[{\"a\":1},{\"b\":2}]"}, {"#readYaml('a: [')", "E"},
          {"#readYaml('')", "null"}, {"#readYaml(null)", "E"}, {"#nope(1)", "E"}, {"#toInt()", "E"}, {"#toInt('1', '2')", "E"},
          {"#toInt('1',)", "1"}, {"#alphanumerical(sizes)", "\"38112\""});
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/expr/literals", test_literals);
    g_test_add_func("/expr/arithmetic", test_arithmetic);
    g_test_add_func("/expr/relations", test_relations);
    g_test_add_func("/expr/logic", test_logic);
    g_test_add_func("/expr/access", test_access);
    g_test_add_func("/expr/selections", test_selections);
    g_test_add_func("/expr/strings", test_strings);
    g_test_add_func("/expr/collections", test_collections);
    g_test_add_func("/expr/types", test_types);
    g_test_add_func("/expr/dates", test_dates);
    g_test_add_func("/expr/functions", test_functions);
    return g_test_run();
}
