/* From a request to packer's variables, the key of a bake, templates, packer's output. Pure. */
#include "bake/files.h"
#include "bake/log.h"
#include "bake/recipe.h"
#include "base/error.h"
#include <string.h>

static const char CONFIG[] = "rosco:\n"
                             "  debian-repository: http://deb/ stable main\n"
                             "  yum-repository: http://yum/\n"
                             "  aws:\n"
                             "    enabled: true\n"
                             "    base: {jammy: {pv: {release: {us-east-1: ami-property}}}}\n"
                             "    bakery-defaults:\n"
                             "      awsSubnetId: subnet-1\n"
                             "      awsVpcId: vpc-1\n"
                             "      baseImages:\n"
                             "      - baseImage: {id: jammy, packageType: deb, customRepository: 'http://own/ ./'}\n"
                             "        virtualizationSettings:\n"
                             "        - {region: us-east-1, virtualizationType: hvm, instanceType: t3.small, sourceAmi: ami-12, "
                             "sshUserName: ubuntu, spotPrice: auto,\n"
                             "           spotPriceAutoProduct: Linux/UNIX}\n"
                             "        - {region: us-east-1, virtualizationType: pv, instanceType: m1.small}\n"
                             "        - {region: eu-west-1, virtualizationType: hvm, sourceAmi: 'ubuntu-*', mostRecent: true}\n"
                             "        - {region: eu-north-1, virtualizationType: hvm}\n"
                             "      - baseImage: {id: rocky, packageType: rpm, templateFile: rocky.json}\n"
                             "        virtualization-settings:\n"
                             "        - {region: us-east-1, virtualizationType: hvm, sourceAmi: ami-9}\n"
                             "clouddriver:\n"
                             "  aws: {endpointUrl: {ec2: 'http://127.0.0.1:1'}}\n";

static BakeSettings *settings_new(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("gennaker.yml", CONFIG, -1, &error);
    g_assert_no_error(error);
    BakeSettings *settings = bake_settings_load(config, &error);
    g_assert_no_error(error);
    return settings;
}

static char *find(gpointer data, const char *region, const char *name, const char *virtualization, gboolean most_recent, GError **error) {
    (void)data;
    (void)error;
    return g_strdup_printf("ami-of-%s-%s-%s-%d", region, name, virtualization, most_recent);
}

static gboolean make(const char *region, const char *request, BakeRecipe *recipe, GError **error) {
    g_autoptr(BakeSettings) settings = settings_new();
    g_autoptr(Json) json = json_parse(request, -1, error);
    BakeOrder order = {settings, region, json_root(json), 1700000000123, find, NULL};
    return bake_recipe_make(&order, recipe, error);
}

static void test_recipe(void) {
    g_autoptr(GError) error = NULL;
    g_auto(BakeRecipe) recipe = {0};
    make("us-east-1",
         "{\"package\":\"foo_1.2.3-h7.abc_amd64  bar_2_all\",\"base_os\":\"jammy\",\"ami_suffix\":\"s\",\"build_number\":7,"
         "\"commit_hash\":\"abc\",\"job\":\"a/b\",\"build_host\":\"http://ci/\",\"build_info_url\":\"http://ci/job/7\",\"upgrade\":true,"
         "\"enhanced_networking\":true,\"var_file_name\":\"vars.json\",\"extended_attributes\":{\"share_with\":\"1, 2\",\"copy_to\":\"x\","
         "\"aws_instance_type\":\"m5.large\",\"number\":3,\"empty\":\" \"}}",
         &recipe, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(recipe.image_name, ==, "foo-amd64-s-jammy");
    g_assert_cmpstr(recipe.template, ==, "aws-ebs.json");
    g_assert_cmpstr(recipe.var_file, ==, "vars.json");
    g_assert_cmpstr(recipe.base_ami, ==, "ami-12");
    g_autoptr(Json) expected = json_parse(
        "{\"aws_region\":\"us-east-1\",\"aws_instance_type\":\"m5.large\",\"aws_source_ami\":\"ami-12\",\"aws_target_ami\":"
        "\"foo-amd64-s-jammy\",\"aws_ssh_username\":\"ubuntu\",\"aws_spot_price\":\"auto\",\"aws_spot_price_auto_product\":\"Linux/UNIX\","
        "\"aws_subnet_id\":\"subnet-1\",\"aws_vpc_id\":\"vpc-1\",\"aws_ena_support\":\"true\",\"aws_endpoint\":\"http://127.0.0.1:1\","
        "\"aws_skip_metadata_api_check\":\"true\",\"build_info_url\":\"http://ci/job/7\",\"appversion\":\"foo-1.2.3-h7.abc/a-b/7\","
        "\"repository\":\"http://own/ ./\",\"package_type\":\"deb\",\"packages\":\"foo=1.2.3-h7.abc bar=2\",\"build_host\":\"http://ci/\","
        "\"upgrade\":\"true\",\"share_with_1\":\"1\",\"share_with_2\":\"2\",\"copy_to_1\":\"x\",\"number\":\"3\"}",
        -1, &error);
    g_assert_no_error(error);
    if (!json_equal(json_root(recipe.variables), json_root(expected))) {
        g_autofree char *text = json_write_pretty(json_root(recipe.variables), NULL);
        g_error("variables: %s", text);
    }
}

static void test_choices(void) {
    static const struct {
        const char *region, *request, *source, *template, *name, *repository;
    } CASES[] = {
        {"us-east-1", "{\"package\":\"foo\",\"base_os\":\"jammy\",\"vm_type\":\"pv\"}", "ami-property", "aws-ebs.json",
         "foo-all-1700000000123-jammy", "http://own/ ./"},
        {"us-east-1", "{\"package\":\"foo\",\"base_os\":\"jammy\",\"base_ami\":\"ami-7\",\"ami_name\":\"n\"}", "ami-7", "aws-ebs.json",
         "n-all-1700000000123-jammy", "http://own/ ./"},
        {"eu-west-1", "{\"package\":\"foo\",\"base_os\":\"jammy\",\"template_file_name\":\"my/own.pkr.hcl\"}",
         "ami-of-eu-west-1-ubuntu-*-hvm-1", "my/own.pkr.hcl", "foo-all-1700000000123-jammy", "http://own/ ./"},
        {"us-east-1", "{\"package\":\"foo-1.2-h3.x86_64\",\"base_os\":\"rocky\",\"ami_suffix\":\"s\"}", "ami-9", "rocky.json",
         "foo-x86_64-s-rocky", "http://yum/"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(BakeRecipe) recipe = {0};
        make(CASES[i].region, CASES[i].request, &recipe, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(recipe.base_ami, ==, CASES[i].source);
        g_assert_cmpstr(recipe.template, ==, CASES[i].template);
        g_assert_cmpstr(recipe.image_name, ==, CASES[i].name);
        g_assert_cmpstr(json_get_string(json_root(recipe.variables), "repository"), ==, CASES[i].repository);
    }
}

static void test_refused(void) {
    static const struct {
        const char *region, *request, *text;
    } CASES[] = {
        {"us-east-1", "{\"base_os\":\"beos\"}", "No virtualization settings found for 'beos'."},
        {"mars-1", "{\"base_os\":\"jammy\"}", "region 'mars-1', operating system 'jammy', and vm type 'hvm'"},
        {"eu-north-1", "{\"base_os\":\"jammy\"}", "No source AMI found"},
        {"us-east-1", "{\"base_os\":\"jammy\",\"cloud_provider_type\":\"gce\"}", "Unknown provider type 'gce'"},
        {"us-east-1", "{\"base_os\":\"jammy\",\"template_file_name\":\"/etc/passwd\"}", "file name /etc/passwd"},
        {"us-east-1", "{\"base_os\":\"jammy\",\"var_file_name\":\"a/../../b\"}", "file name a/../../b"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(BakeRecipe) recipe = {0};
        g_assert_false(make(CASES[i].region, CASES[i].request, &recipe, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        if (strstr(error->message, CASES[i].text) == NULL)
            g_error("\"%s\" not in \"%s\"", CASES[i].text, error->message);
    }
}

static void test_key(void) {
    static const struct {
        const char *request, *key;
    } CASES[] = {
        {"{\"base_os\":\"jammy\",\"package\":\"a b\"}", "bake:aws:jammy:a|b:us-east-1:hvm:enhancedNWDisabled"},
        {"{\"base_os\":\"jammy\"}", "bake:aws:jammy::us-east-1:hvm:enhancedNWDisabled"},
        {"{\"cloud_provider_type\":\"aws\",\"base_os\":\"jammy\",\"base_ami\":\"ami-1\",\"ami_name\":\"n\",\"template_file_name\":\"t\","
         "\"var_file_name\":\"v\",\"package\":\"a\",\"package_artifacts\":[{\"reference\":\"r1\"},{\"reference\":\"r2\"}],"
         "\"vm_type\":\"pv\",\"enhanced_networking\":true}",
         "bake:aws:jammy:ami-1:n:t:v:a:r1|r2:us-east-1:pv:enhancedNWEnabled"},
        /* not in it */
        {"{\"base_os\":\"jammy\",\"package\":\"a\",\"ami_suffix\":\"s\",\"extended_attributes\":{\"x\":\"y\"},\"base_label\":\"l\","
         "\"user\":"
         "\"u\",\"build_number\":\"1\",\"upgrade\":true,\"instance_type\":\"i\",\"account_name\":\"x\",\"store_type\":\"ebs\"}",
         "bake:aws:jammy:a:us-east-1:hvm:enhancedNWDisabled"},
    };
    g_autoptr(BakeSettings) settings = settings_new();
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) request = json_parse(CASES[i].request, -1, NULL);
        g_autofree char *key = bake_key(settings, "us-east-1", json_root(request));
        g_assert_cmpstr(key, ==, CASES[i].key);
    }
}

static void test_wrong_settings(void) {
    static const char *const WRONG[] = {
        "rosco:\n  aws:\n    bakery-defaults:\n      baseImages:\n      - baseImage: {packageType: deb}\n",
        "rosco:\n  rosco:\n    jobs.local.timeout-minutes: 0\n",
        "gennaker:\n  bake:\n    concurrent: 65\n",
    };
    for (guint i = 0; i < G_N_ELEMENTS(WRONG); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_load_text("gennaker.yml", WRONG[i], -1, &error);
        g_assert_no_error(error);
        g_assert_null(bake_settings_load(config, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        g_assert_nonnull(strstr(error->message, "gennaker.yml:"));
    }
}

/* ---- templates ---- */

static void test_declared(void) {
    g_autoptr(GHashTable) json = bake_template_variables("t.json", "{\"variables\":{\"a\":\"\",\"b\":null}}");
    g_assert_true(g_hash_table_contains(json, "a") && g_hash_table_contains(json, "b") && g_hash_table_size(json) == 2);
    g_autoptr(GHashTable) hcl = bake_template_variables(
        "t.pkr.hcl", "variable \"a\" { type = string }\n  variable \"b-c\" {\n}\n# variable \"d\" {\nlocals {}\n");
    g_assert_true(g_hash_table_contains(hcl, "a") && g_hash_table_contains(hcl, "b-c") && g_hash_table_size(hcl) == 2);
    g_assert_null(bake_template_variables("t.json", "not JSON"));
    g_autofree char *blanks = g_strnfill(BAKE_TEMPLATE_MAX, ' '), *large = g_strconcat("{}", blanks, NULL);
    g_assert_null(bake_template_variables("t.json", large));
}

static void test_tagged(void) {
    g_autoptr(Json) template = json_parse(
        "{\"builders\":[{\"type\":\"amazon-ebs\",\"run_tags\":{\"x\":\"y\"}},{\"type\":\"docker\"}],\"a\":1}", -1, NULL);
    g_autoptr(Json) tagged = bake_template_tagged(json_root(template), "id-1");
    const JsonValue *tags = json_get(json_at(json_get(json_root(tagged), "builders"), 0), "run_tags");
    g_assert_cmpstr(json_get_string(tags, BAKE_OPERATION_TAG), ==, "id-1");
    g_assert_cmpstr(json_get_string(tags, "x"), ==, "y");
    g_assert_null(json_get(json_at(json_get(json_root(tagged), "builders"), 1), "run_tags"));
    g_assert_null(bake_template_tagged(json_root(tagged), "id-2"));
}

/* ---- output ---- */

static void test_log(void) {
    static const char OUTPUT[] = "1,,ui,say,==> amazon-ebs: one%!(PACKER_COMMA) two\\nthree\n"
                                 "1,,ui,message,    amazon-ebs: secret-word and abc\n"
                                 "plain, not of packer\n"
                                 "1,amazon-ebs,artifact,0,id,us-east-1:ami-0abc%!(PACKER_COMMA)eu-west-1:ami-0def\n"
                                 "1,,ui,say,not yet comple";
    char *masks[] = {(char *)"secret-word", (char *)"abc", NULL}; /* the second is too short to be a secret */
    g_autofree char *text = bake_log_text(OUTPUT, masks);
    g_assert_cmpstr(text, ==, "==> amazon-ebs: one, two\nthree\n    amazon-ebs: *** and abc\nplain, not of packer\n");
    g_autoptr(Json) images = bake_log_images(OUTPUT, "us-east-1");
    g_autofree char *written = json_write(json_root(images), NULL);
    g_assert_cmpstr(written, ==,
                    "[{\"location\":\"us-east-1\",\"reference\":\"ami-0abc\"},{\"location\":\"eu-west-1\",\"reference\":\"ami-0def\"}]");
}

static void test_scraped(void) {
    static const char OUTPUT[] = "==> amazon-ebs: Creating the AMI: my-image\n"
                                 "us-east-1: ami-old\n"
                                 "--> amazon-ebs: AMIs were created:\n"
                                 "us-east-1: ami-0new\n";
    g_autoptr(Json) images = bake_log_images(OUTPUT, "us-east-1");
    g_assert_cmpuint(json_length(json_root(images)), ==, 1);
    g_assert_cmpstr(json_get_string(json_at(json_root(images), 0), "reference"), ==, "ami-0new");
    static const struct {
        const char *line, *name;
    } NAMES[] = {
        {"==> amazon-ebs: Creating the AMI: a-b\n", "a-b"},
        {"==> amazon-ebs: Creating AMI a-b from instance i-1\n", "a-b"},
        {"==> amazon-chroot: Creating unencrypted AMI a-b in region x\n", "a-b"},
        {"==> amazon-ebs.image: Creating AMI a-b from instance i-1\n", "a-b"},
        {"==> amazon-ebs: nothing\n", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *name = bake_log_image_name(NAMES[i].line);
        g_assert_cmpstr(name, ==, NAMES[i].name);
    }
}

static void test_reason(void) {
    g_autofree char *errors = bake_log_reason("fine\nE: Unable to locate package x\n==> terminating\nBuild 'x' errored: exit code 100\n");
    g_assert_cmpstr(errors, ==, "E: Unable to locate package x\nBuild 'x' errored: exit code 100");
    g_autofree char *last = bake_log_reason("one\ntwo\n");
    g_assert_cmpstr(last, ==, "one\ntwo");
    g_autofree char *none = bake_log_reason("");
    g_assert_cmpstr(none, ==, "");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bake/recipe/whole", test_recipe);
    g_test_add_func("/bake/recipe/choices", test_choices);
    g_test_add_func("/bake/recipe/refused", test_refused);
    g_test_add_func("/bake/recipe/key", test_key);
    g_test_add_func("/bake/recipe/wrong-settings", test_wrong_settings);
    g_test_add_func("/bake/template/declared", test_declared);
    g_test_add_func("/bake/template/tagged", test_tagged);
    g_test_add_func("/bake/log/text", test_log);
    g_test_add_func("/bake/log/scraped", test_scraped);
    g_test_add_func("/bake/log/reason", test_reason);
    return g_test_run();
}
