/* A packer of our own for tests of the bakery, and a configuration that uses it. */
#pragma once
#include "base/config.h"
#include "store_testing.h"

/* Says what it was given; package "wait" waits for the file `go` beside the script, "fail" fails, "none" names no image. */
static const char FAKE_PACKER[] = "#!/bin/sh\n"
                                  "trap 'echo \"1,,ui,error,interrupted\"; exit 9' TERM\n"
                                  "here=$(dirname \"$0\")\n"
                                  "echo started >> \"$here/starts\"\n"
                                  "for a; do case $a in -var-file=*) vars=${a#-var-file=} ;; esac; done\n"
                                  "name=$(sed -n 's/.*\"aws_target_ami\": \"\\(.*\\)\".*/\\1/p' \"$vars\")\n"
                                  "packages=$(sed -n 's/.*\"packages\": \"\\(.*\\)\".*/\\1/p' \"$vars\")\n"
                                  "echo \"1,,ui,say,==> amazon-ebs: Creating AMI $name from instance i-1\"\n"
                                  "echo \"1,,ui,message,    amazon-ebs: $packages%!(PACKER_COMMA) key $AWS_SECRET_ACCESS_KEY\"\n"
                                  "case $packages in\n"
                                  "wait*) while [ ! -e \"$here/go\" ]; do sleep 0.02; done ;;\n"
                                  "fail*) echo '1,,ui,error,==> amazon-ebs: E: Unable to locate package'; exit 1 ;;\n"
                                  "none*) exit 0 ;;\n"
                                  "esac\n"
                                  "echo '1,amazon-ebs,artifact,0,id,us-east-1:ami-0abc%!(PACKER_COMMA)eu-west-1:ami-0def'\n"
                                  "echo \"args: $*\"\n";

static const char BAKE_CONFIG[] =
    "gennaker:\n  bake:\n    packer: %s/packer\n    concurrent: %d\n"
    "rosco:\n"
    "  rosco:\n    config-dir: %s/templates\n"
    "  debian-repository: http://repo/ stable main\n"
    "  aws:\n"
    "    enabled: true\n"
    "    bakery-defaults:\n"
    "      awsAccessKey: AKIATEST\n      awsSecretKey: very-secret\n"
    "      baseImages:\n"
    "      - baseImage: {id: jammy, shortDescription: Jammy, packageType: deb}\n"
    "        virtualizationSettings:\n"
    "        - {region: us-east-1, virtualizationType: hvm, instanceType: t3.small, sourceAmi: ami-12, sshUserName: u}\n"
    "        - {region: eu-west-1, virtualizationType: hvm, sourceAmi: ami-13}\n";

static inline void bake_testing_packer(const char *folder) {
    g_autofree char *packer = g_build_filename(folder, "packer", NULL), *templates = g_build_filename(folder, "templates", NULL);
    g_assert_true(g_file_set_contents_full(packer, FAKE_PACKER, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
    g_mkdir(templates, 0700);
}

static inline Config *bake_testing_config_with(const char *folder, int concurrent, const char *more) {
    g_autoptr(GError) error = NULL;
    g_autofree char *own = g_strdup_printf(BAKE_CONFIG, folder, concurrent, folder);
    g_autofree char *text = g_strconcat(own, more, NULL);
    Config *config = config_load_text("gennaker.yml", text, -1, &error);
    g_assert_no_error(error);
    return config;
}

static inline Config *bake_testing_config(const char *folder, int concurrent) {
    return bake_testing_config_with(folder, concurrent, "");
}

/* How many builders were begun. */
static inline guint bake_testing_starts(const char *folder) {
    g_autofree char *path = g_build_filename(folder, "starts", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    guint lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    return lines;
}
