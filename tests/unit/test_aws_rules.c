/* The rules of security groups compared (aws.md 12). */
#include "clouds/aws/operations/security_groups.h"

#define THERE                                                                                                                              \
    "{\"ipPermissions\":[{\"ipProtocol\":\"tcp\",\"fromPort\":80,\"toPort\":80,\"ipRanges\":[{\"cidrIp\":\"10.0.0.0/8\",\"description\":"  \
    "\"old\"}],\"ipv6Ranges\":[{\"cidrIpv6\":\"fd00::/8\"}],\"groups\":[{\"groupId\":\"sg-1\",\"userId\":\"1\"}]},"                        \
    "{\"ipProtocol\":\"-1\",\"groups\":[{\"groupId\":\"sg-1\",\"userId\":\"1\"}]}]}"

static void test_difference(void) {
    static const struct {
        const char *groups, *ranges;
        gboolean append_only;
        guint update, add, remove;
    } CASES[] = {
        {"[]", "[]", FALSE, 0, 0, 4},
        {"[]", "[]", TRUE, 0, 0, 0},
        {"[]", "[{\"cidr\":\"10.0.0.0/8\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":\"tcp\",\"description\":\"old\"}]", FALSE, 0, 0,
         3},
        {"[]", "[{\"cidr\":\"10.0.0.0/8\",\"startPort\":\"80\",\"endPort\":\"80\",\"type\":\"TCP\",\"description\":\"new\"}]", FALSE, 1, 0,
         3},
        {"[]", "[{\"cidr\":\"10.0.0.0/8\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":6}]", FALSE, 0, 0, 3}, /* no text asks for none */
        {"[]", "[{\"cidr\":\"fd00::/8\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":\"tcp\"}]", FALSE, 0, 0, 3},
        {"[]", "[{\"cidr\":\"10.0.0.0/8\",\"startPort\":81,\"endPort\":81,\"ipProtocol\":\"tcp\"}]", FALSE, 0, 1, 4},
        {"[]", "[{\"cidr\":\"10.0.0.0/8\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":\"udp\"}]", TRUE, 0, 1, 0},
        {"[{\"groupId\":\"sg-1\",\"userId\":\"1\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":\"tcp\"}]", "[]", FALSE, 0, 0, 3},
        {"[{\"groupId\":\"sg-1\",\"startPort\":0,\"endPort\":0,\"ipProtocol\":\"all\"}]", "[]", FALSE, 0, 0, 3}, /* all ports */
        {"[{\"groupId\":\"sg-2\",\"startPort\":80,\"endPort\":80,\"ipProtocol\":\"tcp\"},{\"groupId\":\"sg-2\",\"startPort\":80,"
         "\"endPort\":"
         "80,\"ipProtocol\":\"tcp\"}]",
         "[]", TRUE, 0, 1, 0}, /* said twice, added once */
    };
    g_autoptr(Json) group = json_parse(THERE, -1, NULL);
    g_autoptr(Json) there = aws_rules_of(json_root(group));
    g_assert_cmpuint(json_length(json_root(there)), ==, 4);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_test_message("case %u", i);
        g_autoptr(Json) groups = json_parse(CASES[i].groups, -1, NULL);
        g_autoptr(Json) ranges = json_parse(CASES[i].ranges, -1, NULL);
        g_autoptr(Json) wanted = aws_rules_wanted(json_root(groups), json_root(ranges));
        g_autoptr(Json) change = aws_rules_difference(json_root(there), json_root(wanted), CASES[i].append_only);
        g_assert_cmpuint(json_length(json_get(json_root(change), "update")), ==, CASES[i].update);
        g_assert_cmpuint(json_length(json_get(json_root(change), "add")), ==, CASES[i].add);
        g_assert_cmpuint(json_length(json_get(json_root(change), "remove")), ==, CASES[i].remove);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aws/rules/difference", test_difference);
    return g_test_run();
}
