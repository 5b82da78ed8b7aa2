/* The rules of security groups compared (security_groups.h). Pure; any thread. */
#include "clouds/aws/operations/security_groups.h"
#include <string.h>

#define ALL_PROTOCOLS "-1"

/* tcp, udp, icmp and all have names and numbers. */
static char *protocol_of(const JsonValue *value) {
    static const char *const NAMES[][2] = {{"6", "tcp"}, {"17", "udp"}, {"1", "icmp"}, {"58", "icmpv6"}, {"all", ALL_PROTOCOLS}};
    g_autofree char *text = json_as_text(value);
    char *folded = g_ascii_strdown(text != NULL ? text : ALL_PROTOCOLS, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (strcmp(folded, NAMES[i][0]) == 0) {
            g_free(folded);
            return g_strdup(NAMES[i][1]);
        }
    return folded;
}

static gint64 number_of(const JsonValue *value) {
    g_autofree char *text = json_as_text(value);
    gint64 number = -1;
    return text != NULL && g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &number, NULL) ? number : -1;
}

/* source: one of cidr, cidr6, groupId. */
static void add_rule(JsonBuilder *builder, const char *protocol, const JsonValue *from, const JsonValue *to, const char *source,
                     const char *value, const JsonValue *user, const JsonValue *description) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "protocol", protocol);
    if (strcmp(protocol, ALL_PROTOCOLS) != 0) {
        json_add_int(builder, "fromPort", number_of(from));
        json_add_int(builder, "toPort", number_of(to));
    }
    json_add_string(builder, source, value);
    if (json_is_string(user))
        json_add_value(builder, "userId", user);
    if (json_is_string(description) && *json_string(description) != '\0')
        json_add_value(builder, "description", description);
    json_end_object(builder);
}

Json *aws_rules_of(const JsonValue *group) {
    static const char *const LISTS[][3] = {
        {"ipRanges", "cidrIp", "cidr"}, {"ipv6Ranges", "cidrIpv6", "cidr6"}, {"groups", "groupId", "groupId"}};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(group, "ipPermissions")); json_next(&i);) {
        g_autofree char *protocol = protocol_of(json_get(i.value, "ipProtocol"));
        for (gsize list = 0; list < G_N_ELEMENTS(LISTS); list++)
            for (JsonIter source = json_iter(json_get(i.value, LISTS[list][0])); json_next(&source);)
                add_rule(builder, protocol, json_get(i.value, "fromPort"), json_get(i.value, "toPort"), LISTS[list][2],
                         json_get_string(source.value, LISTS[list][1]), json_get(source.value, "userId"),
                         json_get(source.value, "description"));
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static const JsonValue *protocol_key(const JsonValue *rule) {
    const JsonValue *protocol = json_get(rule, "ipProtocol");
    return protocol != NULL ? protocol : json_get(rule, "type");
}

Json *aws_rules_wanted(const JsonValue *groups, const JsonValue *ranges) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(groups); json_next(&i);) {
        g_autofree char *protocol = protocol_of(protocol_key(i.value));
        add_rule(builder, protocol, json_get(i.value, "startPort"), json_get(i.value, "endPort"), "groupId",
                 json_get_string(i.value, "groupId"), json_get(i.value, "userId"), json_get(i.value, "description"));
    }
    for (JsonIter i = json_iter(ranges); json_next(&i);) {
        g_autofree char *protocol = protocol_of(protocol_key(i.value));
        const char *cidr = json_get_string(i.value, "cidr");
        add_rule(builder, protocol, json_get(i.value, "startPort"), json_get(i.value, "endPort"),
                 cidr != NULL && strchr(cidr, ':') != NULL ? "cidr6" : "cidr", cidr, NULL, json_get(i.value, "description"));
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* The same but for the description and whose group it is (an id is one of the whole region). */
static gboolean is_same(const JsonValue *a, const JsonValue *b) {
    static const char *const KEYS[] = {"protocol", "fromPort", "toPort", "cidr", "cidr6", "groupId"};
    for (gsize i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        const JsonValue *left = json_get(a, KEYS[i]), *right = json_get(b, KEYS[i]);
        if ((left == NULL) != (right == NULL) || (left != NULL && !json_equal(left, right)))
            return FALSE;
    }
    return TRUE;
}

static const JsonValue *same_in(const JsonValue *rules, const JsonValue *rule) {
    for (JsonIter i = json_iter(rules); json_next(&i);)
        if (is_same(i.value, rule))
            return i.value;
    return NULL;
}

static gboolean is_described_otherwise(const JsonValue *wanted, const JsonValue *there) {
    const char *text = json_get_string(wanted, "description");
    return text != NULL && g_strcmp0(text, json_get_string(there, "description")) != 0;
}

typedef gboolean (*RuleChoice)(const JsonValue *rule, const JsonValue *others);

static gboolean is_to_be_described(const JsonValue *rule, const JsonValue *there) {
    const JsonValue *known = same_in(there, rule);
    return known != NULL && is_described_otherwise(rule, known);
}

static gboolean is_missing(const JsonValue *rule, const JsonValue *others) {
    return same_in(others, rule) == NULL;
}

/* Those of the rules that are chosen, each once. */
static void add_chosen(JsonBuilder *builder, const char *key, const JsonValue *rules, const JsonValue *others, RuleChoice choice) {
    json_begin_array(builder, key);
    for (JsonIter i = json_iter(rules); json_next(&i);)
        if (choice(i.value, others) && same_in(rules, i.value) == i.value)
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
}

Json *aws_rules_difference(const JsonValue *there, const JsonValue *wanted, gboolean append_only) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_chosen(builder, "update", wanted, there, is_to_be_described);
    add_chosen(builder, "add", wanted, there, is_missing);
    add_chosen(builder, "remove", append_only ? NULL : there, wanted, is_missing);
    json_end_object(builder);
    return json_builder_end(builder);
}
