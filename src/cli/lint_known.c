/* What `lint` knows of Spinnaker beside what this program has: stage types, triggers and artifacts that are not there yet. A name goes from here when its
 * room comes; names that are there too do no harm, for what is there is looked up first. */
#include "cli/lint.h"
#include <string.h>

static const char *const STAGES[] = {
    "acaTask",
    "associateElasticIp",
    "awsCodeBuild",
    "bakeCloudFoundryManifest",
    "bakeManifest",
    "bulkQuickPatch",
    "canary",
    "canaryDisableCluster",
    "cleanupCanaryClusters",
    "cloudFoundryCreateServiceBindings",
    "cloudFoundryDeleteServiceBindings",
    "concourse",
    "copySecurityGroup",
    "createServiceKey",
    "deleteCloudFormation",
    "deleteManifest",
    "deleteServiceKey",
    "deployAppEngineConfiguration",
    "deployCanary",
    "deployCanaryServerGroups",
    "deployCloudFormation",
    "deployCloudrunManifest",
    "deployManifest",
    "deployService",
    "destroyJob",
    "destroyService",
    "disableInstancesInDiscovery",
    "disableManifest",
    "disassociateElasticIp",
    "enableInstancesInDiscovery",
    "enableManifest",
    "findArtifactsFromResource",
    "getProperties",
    "googleCloudBuild",
    "jenkins",
    "kayentaCanary",
    "lambdaDelete",
    "lambdaDeployment",
    "lambdaFunction",
    "lambdaInvoke",
    "lambdaTrafficRouting",
    "lambdaUpdateCode",
    "mapLoadBalancers",
    "modifyGceAutoscalingPolicy",
    "modifyScalingGroup",
    "modifyWarmPool",
    "monitorCanary",
    "patchManifest",
    "pauseRolloutManifest",
    "quickPatch",
    "resumeRolloutManifest",
    "rollingRestartManifest",
    "runCanary",
    "runCanaryIntervals",
    "runJob",
    "runJobManifest",
    "scaleManifest",
    "script",
    "setStatefulDisk",
    "shareService",
    "startAppEngineServerGroup",
    "statefullyUpdateBootImage",
    "stopAppEngineServerGroup",
    "travis",
    "undoRolloutManifest",
    "unmapLoadBalancers",
    "unshareService",
    "updateJobProcesses",
    "upsertAmazonDNS",
    "upsertAppEngineLoadBalancers",
    "upsertCloudrunLoadBalancers",
    "upsertDisruptionBudget",
    NULL,
};

gboolean lint_stage_comes(const char *type) {
    return g_strv_contains(STAGES, type);
}

typedef struct {
    const char *type, *what;
} Coming;

static const char *find(const Coming *table, const char *type) {
    for (; table->type != NULL; table++)
        if (strcmp(table->type, type) == 0)
            return table->what;
    return NULL;
}

#define POLLED "nothing asks such a service for news yet; it starts by an event that is posted to /webhooks"
static const Coming TRIGGERS[] = {
    {"artifactory", POLLED}, {"concourse", POLLED}, {"docker", POLLED}, {"gitlab-ci", POLLED}, {"helm", POLLED},   {"helm/oci", POLLED},
    {"jenkins", POLLED},     {"nexus", POLLED},     {"plugin", POLLED}, {"pubsub", POLLED},    {"travis", POLLED}, {NULL, NULL},
};

const char *lint_trigger_comes(const char *type) {
    return find(TRIGGERS, type);
}

#define UNREAD "it can be matched and passed on, its contents are not read yet"
static const Coming ARTIFACTS[] = {
    {"front50/pipelineTemplate", UNREAD},
    {"gcs/object", UNREAD},
    {"git/repo", UNREAD},
    {"helm/chart", UNREAD},
    {"helm/image", UNREAD},
    {"helm/index", UNREAD},
    {"ivy/file", UNREAD},
    {"jenkins/file", UNREAD},
    {"maven/file", UNREAD},
    {"oracle/object", UNREAD},
    {"s3/object", UNREAD},
    {NULL, NULL},
};

const char *lint_artifact_comes(const char *type) {
    return find(ARTIFACTS, type);
}
