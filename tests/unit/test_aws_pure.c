/* AWS without AWS: endpoints, forms, documents out of XML, purposes of subnets, block devices, user data, switches. */
#include "aws_fake.h"
#include "clouds/aws/block_devices.h"
#include "clouds/aws/document.h"
#include "clouds/aws/endpoint.h"
#include "clouds/aws/operations/operations.h"
#include "clouds/aws/rate.h"
#include "clouds/aws/reader.h"
#include "clouds/aws/settings.h"
#include "clouds/aws/user_data.h"
#include <glib/gstdio.h>

/* ---- endpoints ---- */

static void check_url(AwsServiceId service, const char *region, const char *account_override, const char *override, const char *expected) {
    g_autoptr(Json) own = account_override ? json_parse(account_override, -1, NULL) : NULL;
    g_autoptr(Json) all = override ? json_parse(override, -1, NULL) : NULL;
    g_autofree char *url = aws_endpoint_url(service, region, json_root(own), json_root(all));
    g_assert_cmpstr(url, ==, expected);
}

static void test_endpoints(void) {
    g_unsetenv("AWS_ENDPOINT_URL");
    check_url(AWS_EC2, "us-east-1", NULL, NULL, "https://ec2.us-east-1.amazonaws.com");
    check_url(AWS_ELB_V2, "eu-west-1", NULL, NULL, "https://elasticloadbalancing.eu-west-1.amazonaws.com");
    check_url(AWS_AUTO_SCALING, "cn-north-1", NULL, NULL, "https://autoscaling.cn-north-1.amazonaws.com.cn");
    check_url(AWS_STS, "us-gov-west-1", NULL, NULL, "https://sts.us-gov-west-1.amazonaws.com");
    check_url(AWS_IAM, "eu-west-1", NULL, NULL, "https://iam.amazonaws.com");
    check_url(AWS_EC2, "x", NULL, "\"http://127.0.0.1:5566/\"", "http://127.0.0.1:5566");
    check_url(AWS_EC2, "us-east-1", "{\"sts\":\"http://s\"}", "{\"ec2\":\"http://e\"}", "http://e");
    check_url(AWS_STS, "us-east-1", "{\"sts\":\"http://s\"}", "{\"ec2\":\"http://e\"}", "http://s");
    g_setenv("AWS_ENDPOINT_URL", "http://all", TRUE);
    g_setenv("AWS_ENDPOINT_URL_AUTO_SCALING", "http://scaling", TRUE);
    check_url(AWS_EC2, "us-east-1", NULL, NULL, "http://all");
    check_url(AWS_AUTO_SCALING, "us-east-1", NULL, NULL, "http://scaling");
    check_url(AWS_AUTO_SCALING, "us-east-1", NULL, "\"http://configured\"", "http://configured");
    g_unsetenv("AWS_ENDPOINT_URL");
    g_unsetenv("AWS_ENDPOINT_URL_AUTO_SCALING");
    g_assert_cmpstr(aws_endpoint_signing_region(AWS_IAM, "eu-west-1"), ==, "us-east-1");
    g_assert_cmpstr(aws_endpoint_signing_region(AWS_EC2, "eu-west-1"), ==, "eu-west-1");
}

static void test_endpoint_problems(void) {
    static const char *const good[] = {"null", "\"https://x\"", "{\"ec2\":\"http://x\"}", "{}"};
    static const char *const bad[] = {"5", "\"x\"", "[]", "{\"ec3\":\"http://x\"}", "{\"ec2\":5}"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(Json) json = json_parse(good[i], -1, NULL);
        g_assert_null(aws_endpoint_problem(json_root(json)));
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Json) json = json_parse(bad[i], -1, NULL);
        g_autofree char *problem = aws_endpoint_problem(json_root(json));
        g_assert_nonnull(problem);
    }
}

/* ---- forms ---- */

static void test_query(void) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCES);
    aws_query_add_filter(query, "tag:a b", "x&y=z");
    aws_query_add_filter_list(query, "state", (const char *const[]){"1", "2", NULL});
    aws_query_add(query, NULL, "Absent");
    aws_query_add_bool(query, TRUE, "Flag.%d", 1);
    aws_query_add_int(query, -5, "Number");
    g_autofree char *body = aws_query_body(query, "next/1");
    g_assert_cmpstr(body, ==,
                    "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Aa%20b&Filter.1.Value.1=x%26y%3Dz&Filter.2.Name=state&"
                    "Filter.2.Value.1=1&Filter.2.Value.2=2&Flag.1=true&Number=-5&MaxResults=500&NextToken=next%2F1");
    g_autoptr(AwsQuery) named = aws_query_new(AWS_DESCRIBE_INSTANCES);
    aws_query_add_list(named, (const char *const[]){"i-1", NULL}, "InstanceId");
    g_autofree char *sized = aws_query_body(named, NULL);
    g_assert_null(strstr(sized, "MaxResults")); /* refused together with ids */
}

/* Every row of the table is whole, and writes are those that change something. */
static void test_calls(void) {
    static const char *const reads[] = {"Describe", "Assume", "Get"};
    for (guint i = 0; i < AWS_CALLS; i++) {
        const AwsCall *call = aws_call((AwsCallId)i);
        gboolean reading = FALSE;
        g_assert_nonnull(call->action);
        for (guint r = 0; r < G_N_ELEMENTS(reads); r++)
            reading = reading || g_str_has_prefix(call->action, reads[r]);
        g_assert_cmpint(call->writes, ==, !reading);
        g_assert_true(!call->list == !call->item);
        g_assert_true(!call->token_key == !call->next);
    }
}

/* ---- documents ---- */

static void check_document(const char *xml, AwsShape shape, const char *expected) {
    g_autoptr(GError) error = NULL;
    g_autoptr(XmlDocument) document = xml_parse(xml, strlen(xml), &error);
    g_assert_no_error(error);
    g_autoptr(Json) made = aws_document(xml_root(document), shape);
    g_autofree char *text = json_write(json_root(made), NULL);
    g_assert_cmpstr(text, ==, expected);
}

static void test_documents(void) {
    check_document("<g><AutoScalingGroupName>a</AutoScalingGroupName><MinSize>2</MinSize><VPCZoneIdentifier>s</VPCZoneIdentifier>"
                   "<CreatedTime>2026-11-24T12:00:00.500Z</CreatedTime><LoadBalancerNames/><Instances><member><InstanceId>i</InstanceId>"
                   "<ProtectedFromScaleIn>false</ProtectedFromScaleIn></member></Instances><Status/>"
                   "<Tags><member><Key>k</Key><Value>true</Value><PropagateAtLaunch>true</PropagateAtLaunch></member></Tags></g>",
                   AWS_SHAPE_QUERY,
                   "{\"autoScalingGroupName\":\"a\",\"minSize\":2,\"vpczoneIdentifier\":\"s\",\"createdTime\":1795521600500,"
                   "\"loadBalancerNames\":[],\"instances\":[{\"instanceId\":\"i\",\"protectedFromScaleIn\":false}],"
                   "\"tags\":[{\"key\":\"k\",\"value\":\"true\",\"propagateAtLaunch\":true}]}");
    check_document("<i><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState><groupSet><item>"
                   "<groupId>sg-1</groupId></item></groupSet><networkInterfaceSet><item><groupSet><groupId>sg-2</groupId></groupSet></item>"
                   "</networkInterfaceSet><tagSet><item><key>a</key><value/></item></tagSet><dnsName/><isPublic>true</isPublic></i>",
                   AWS_SHAPE_EC2,
                   "{\"instanceId\":\"i-1\",\"state\":{\"code\":16,\"name\":\"running\"},\"securityGroups\":[{\"groupId\":\"sg-1\"}],"
                   "\"networkInterfaces\":[{\"groups\":[\"sg-2\"]}],\"tags\":[{\"key\":\"a\",\"value\":\"\"}],\"public\":true}");
    check_document("<p><Threshold>1.5</Threshold><Port>many</Port><TargetValue>inf</TargetValue></p>", AWS_SHAPE_QUERY,
                   "{\"threshold\":1.5,\"port\":\"many\",\"targetValue\":\"inf\"}");
}

/* ---- subnets ---- */

static void check_purpose(const char *tags, gboolean fine, const char *purpose, const char *target) {
    g_autofree char *text = g_strdup_printf("{\"tags\":%s}", tags);
    g_autoptr(Json) subnet = json_parse(text, -1, NULL);
    g_autofree char *found = NULL, *found_target = NULL;
    g_assert_cmpint(aws_subnet_purpose(json_root(subnet), &found, &found_target), ==, fine);
    g_assert_cmpstr(found, ==, purpose);
    g_assert_cmpstr(found_target, ==, target);
}

static void test_purposes(void) {
    check_purpose("[{\"key\":\"Name\",\"value\":\"core.internal.us-east-1\"}]", TRUE, "internal (core)", NULL);
    check_purpose("[{\"key\":\"name\",\"value\":\"a.b.c\"}]", TRUE, "b (a)", NULL);
    check_purpose("[{\"key\":\"Name\",\"value\":\"a.b\"}]", TRUE, NULL, NULL);
    check_purpose("[{\"key\":\"Name\",\"value\":\"a.b.c.d\"}]", TRUE, NULL, NULL);
    check_purpose("[]", TRUE, NULL, NULL);
    check_purpose("[{\"key\":\"immutable_metadata\",\"value\":\"{\\\"purpose\\\":\\\"dmz\\\",\\\"target\\\":\\\"elb\\\"}\"},"
                  "{\"key\":\"Name\",\"value\":\"a.b.c\"}]",
                  TRUE, "dmz", "elb");
    check_purpose("[{\"key\":\"immutable_metadata\",\"value\":\"nonsense\"}]", FALSE, NULL, NULL);
}

/* ---- instance types ---- */

static void check_devices(const char *type, const char *expected) {
    g_autoptr(Json) unknown = json_pack("{s:s, s:i}", "deviceName", "/dev/sdz", "size", (gint64)7);
    g_autoptr(Json) devices = aws_block_devices_of_type(type, "gp3", json_root(unknown));
    g_autofree char *text = json_write(json_root(devices), NULL);
    g_assert_cmpstr(text, ==, expected);
}

static void test_block_devices(void) {
    check_devices("t3.small", "[]");
    check_devices("m5.large", "[{\"deviceName\":\"/dev/sdb\",\"size\":40,\"volumeType\":\"gp3\"}]");
    check_devices("m5.2xlarge", "[{\"deviceName\":\"/dev/sdb\",\"size\":80,\"volumeType\":\"gp3\"}]");
    check_devices("r4.16xlarge", "[{\"deviceName\":\"/dev/sdb\",\"size\":120,\"volumeType\":\"gp3\"}]");
    check_devices("m3.xlarge", "[{\"deviceName\":\"/dev/sdb\",\"virtualName\":\"ephemeral0\"},"
                               "{\"deviceName\":\"/dev/sdc\",\"virtualName\":\"ephemeral1\"}]");
    check_devices("m7i.large", "[{\"deviceName\":\"/dev/sdz\",\"size\":7}]");
    check_devices("m5.metal", "[{\"deviceName\":\"/dev/sdz\",\"size\":7}]");
    check_devices("nonsense", "[{\"deviceName\":\"/dev/sdz\",\"size\":7}]");
    g_autoptr(Json) none = aws_block_devices_of_type("m7i.large", "gp3", NULL);
    g_assert_cmpuint(json_length(json_root(none)), ==, 0);
    g_assert_true(aws_is_burstable("t4g.nano") && !aws_is_burstable("m5.large") && !aws_is_burstable(""));
    g_assert_true(aws_is_ebs_optimized("c5.large") && !aws_is_ebs_optimized("c5a.large"));
}

/* ---- user data ---- */

static char *user_data(const char *provider, const char *own, gboolean overrides) {
    g_autofree char *folder = g_dir_make_tmp("aws-udf-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "udf0", NULL);
    if (provider)
        g_assert_true(g_file_set_contents(path, provider, -1, NULL));
    AwsUserDataConfig config = {.enabled = TRUE, .root = folder};
    UserDataTokens tokens = {"prod", "p-type", "p-env", "web", "main", "d", "us-east-1", "web-main", "web-main-v001", "lt-name", TRUE};
    g_autoptr(Json) override = json_pack("{s:b}", "enabled", overrides);
    g_autofree char *encoded_own = own ? g_base64_encode((const guchar *)own, strlen(own)) : NULL;
    g_autofree char *encoded = aws_user_data(&config, encoded_own, json_root(override), &tokens, NULL);
    gsize length = 0;
    char *plain = encoded ? (char *)g_base64_decode(encoded, &length) : NULL;
    if (plain) {
        plain = g_realloc(plain, length + 1);
        plain[length] = '\0';
    }
    g_remove(path);
    g_rmdir(folder);
    return plain;
}

static void check_user_data(const char *provider, const char *own, gboolean overrides, const char *expected) {
    g_autofree char *made = user_data(provider, own, overrides);
    g_assert_cmpstr(made, ==, expected);
}

static void test_user_data(void) {
    check_user_data(NULL, NULL, FALSE, NULL);
    check_user_data(NULL, "echo %%app%%", FALSE, "echo %%app%%");
    check_user_data("A=%%app%% G=%%group%% T=%%launchtemplate%% C=%%launchconfig%%", "own %%app%%", FALSE,
                    "A=web G=web-main-v001 T=lt-name C=\nown %%app%%");
    check_user_data("provider", "E=%%env%%", TRUE, "E=p-env");
    check_user_data("only", NULL, FALSE, "only");
}

/* ---- switches and rates ---- */

static AwsSettings *settings_of(const char *yaml) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("clouddriver.yml", yaml, -1, &error);
    g_assert_no_error(error);
    AwsSettings *settings = aws_settings_read(config, &error);
    g_assert_no_error(error);
    return settings;
}

static gboolean uses_template(const char *yaml) {
    g_autoptr(AwsSettings) settings = settings_of(yaml);
    return aws_settings_use_template(settings, "web", "prod", "us-east-1");
}

static void test_template_switch(void) {
    g_assert_true(uses_template("aws: {enabled: true}\n"));
    g_assert_true(uses_template("aws: {features: {launch-templates: {enabled: true}}}\n"));
    g_assert_false(uses_template("aws: {features: {launch-templates: {enabled: false}}}\n"));
    g_assert_false(uses_template("aws.features.launch-templates.enabled: false\n"));
    g_assert_false(uses_template("aws: {features: {launchTemplates: {excludedApplications: [web]}}}\n"));
    g_assert_false(uses_template("aws: {features: {launch-templates: {excluded-accounts: [prod]}}}\n"));
    g_assert_false(uses_template("aws: {features: {launch-templates: {allowed-accounts: [other]}}}\n"));
    g_assert_true(uses_template("aws: {features: {launch-templates: {allowed-accounts: [prod]}}}\n"));
    g_assert_true(uses_template("aws: {features: {launch-templates: {allowed-applications: ['web:prod:us-east-1']}}}\n"));
    g_assert_true(uses_template("aws: {features: {launch-templates: {allowed-accounts-regions: ['prod:us-east-1']}}}\n"));
    g_assert_true(uses_template("aws: {features: {launch-templates: {all-applications: true, allowed-accounts: [other]}}}\n"));
}

static void test_settings(void) {
    g_autoptr(AwsSettings) empty = settings_of("{}\n");
    g_assert_true(empty->aws.enabled && !empty->unknown_device_is_none && empty->aws.error_retries == 3);
    g_autoptr(AwsSettings) given = settings_of("aws: {defaults: {unknownInstanceTypeBlockDevice: null, public-images: true},"
                                               " client: {maxErrorRetry: 7}}\n");
    g_assert_true(given->unknown_device_is_none && given->aws.public_images && given->aws.error_retries == 7);
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("clouddriver.yml", "aws: {endpointUrl: {moon: 'http://x'}}\n", -1, NULL);
    g_assert_null(aws_settings_read(config, &error));
    g_assert_nonnull(strstr(error->message, "moon"));
}

static void test_rates(void) {
    g_autoptr(Json) limits = json_parse("{\"defaults\":{\"rateLimit\":20},\"cloudProviderOverrides\":{\"aws\":{\"rateLimit\":15}},"
                                        "\"accountOverrides\":{\"prod\":{\"rateLimit\":5}},\"implementationLimits\":{\"AmazonEC2\":"
                                        "{\"defaults\":{\"rateLimit\":40},\"accountOverrides\":{\"prod\":{\"rateLimit\":2}}}}}",
                                        -1, NULL);
    g_assert_cmpfloat(aws_rates_per_second(json_root(limits), "prod", AWS_EC2), ==, 2);
    g_assert_cmpfloat(aws_rates_per_second(json_root(limits), "test", AWS_EC2), ==, 40);
    g_assert_cmpfloat(aws_rates_per_second(json_root(limits), "prod", AWS_STS), ==, 5);
    g_assert_cmpfloat(aws_rates_per_second(json_root(limits), "test", AWS_STS), ==, 15);
    g_assert_cmpfloat(aws_rates_per_second(NULL, "test", AWS_STS), ==, 10);
    AwsRates *rates = aws_rates_new(NULL, "prod");
    gint64 wait_ms = 0;
    guint taken = 0;
    while (aws_rates_take(rates, "us-east-1", aws_call(AWS_SUSPEND_PROCESSES), &wait_ms))
        taken++;
    g_assert_cmpuint(taken, >=, 10);
    g_assert_cmpint(wait_ms, >, 0);
    g_assert_true(aws_rates_take(rates, "us-west-2", aws_call(AWS_SUSPEND_PROCESSES), &wait_ms));
    g_assert_true(aws_rates_take(rates, "us-east-1", aws_call(AWS_CREATE_TAGS), &wait_ms));
    aws_rates_free(rates);
}

/* Each operation's steps say how a repeat is harmless, and each name leads to one operation. */
static void test_operations(void) {
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; aws_operations[i]; i++) {
        const CloudOperation *operation = aws_operations[i];
        g_assert_true(g_hash_table_add(names, (gpointer)operation->name));
        for (guint a = 0; operation->aliases && operation->aliases[a]; a++)
            g_assert_true(g_hash_table_add(names, (gpointer)operation->aliases[a]));
        for (const OperationStep *step = operation->steps; step->name; step++) {
            g_assert_cmpint(step->repeat, !=, REPEAT_NONE_GIVEN);
            g_assert_nonnull(step->act);
            g_assert_true(step->repeat != REPEAT_LOOK || step->look);
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aws/pure/endpoints", test_endpoints);
    g_test_add_func("/aws/pure/endpoint-problems", test_endpoint_problems);
    g_test_add_func("/aws/pure/query", test_query);
    g_test_add_func("/aws/pure/calls", test_calls);
    g_test_add_func("/aws/pure/documents", test_documents);
    g_test_add_func("/aws/pure/purposes", test_purposes);
    g_test_add_func("/aws/pure/block-devices", test_block_devices);
    g_test_add_func("/aws/pure/user-data", test_user_data);
    g_test_add_func("/aws/pure/template-switch", test_template_switch);
    g_test_add_func("/aws/pure/settings", test_settings);
    g_test_add_func("/aws/pure/rates", test_rates);
    g_test_add_func("/aws/pure/operations", test_operations);
    return g_test_run();
}
