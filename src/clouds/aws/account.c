/* Opens the accounts of the configuration. What an account does not say (id, regions, zones) is looked up by a few threads within
 * AWS_OPEN_MAX_MS, and remembered, so that a later start does not wait for it. An account that cannot be completed is left out with its reason,
 * the others load. */
#include "clouds/aws/account.h"
#include "base/clock.h"
#include "clouds/aws/aws.h"
#include "clouds/aws/endpoint.h"
#include "clouds/lookups.h"
#include <string.h>

/* ---- texts ---- */

char *aws_account_render(const AwsAccount *account, const char *template, const char *region) {
    if (!template)
        return NULL;
    const struct {
        const char *name, *value;
    } variables[] = {
        {"{{name}}", account->base.name},
        {"{{accountId}}", account->account_id},
        {"{{environment}}", account->base.environment},
        {"{{accountType}}", account->base.type},
        {"{{region}}", region},
    };
    GString *text = g_string_new(template);
    for (guint i = 0; i < G_N_ELEMENTS(variables); i++)
        if (variables[i].value)
            g_string_replace(text, variables[i].name, variables[i].value, 0);
    return g_string_free(text, FALSE);
}

static char *owned(const char *own, const char *otherwise) {
    return own && *own ? g_strdup(own) : g_strdup(otherwise);
}

/* ---- looking up ---- */

/* One account that is being opened. */
typedef struct {
    AwsAccount *account;
    Json *regions;          /* as they will be served: [{name, availabilityZones, preferredZones, deprecated}] */
    char *problem;          /* why it is left out */
    char *remark;           /* what could not be looked up, though the account works */
    const JsonValue *value; /* in the configuration, which is borrowed */
    gboolean mistaken;      /* the problem is in the configuration itself */
} Opening;

typedef struct {
    const char *path;
    GPtrArray *found; /* of char * */
} Collect;

static gboolean collect_text(const XmlNode *item, gpointer data, GError **error) {
    (void)error;
    Collect *collect = data;
    char *text = xml_get_text(item, collect->path);
    if (text && *text)
        g_ptr_array_add(collect->found, text);
    else
        g_free(text);
    return TRUE;
}

static int text_order(gconstpointer left, gconstpointer right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The texts at a path of all items, sorted; NULL with *error. */
static char **look_up_texts(AwsAccount *account, AwsCallId call, const char *region, const char *path, Cancel *cancel, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    Collect collect = {path, g_ptr_array_new_with_free_func(g_free)};
    gboolean done = aws_client_list(account->client, region, query, cancel, collect_text, &collect, error);
    if (!done) {
        g_ptr_array_unref(collect.found);
        return NULL;
    }
    g_ptr_array_sort(collect.found, text_order);
    g_ptr_array_add(collect.found, NULL);
    return (char **)g_ptr_array_free(collect.found, FALSE);
}

static const char *any_region(const Opening *opening) {
    const char *first = json_get_string(json_at(json_root(opening->regions), 0), "name");
    const char *given = g_getenv("AWS_REGION");
    return first ? first : given && *given ? given : "us-east-1";
}

static gboolean look_up_id(Opening *opening, Cancel *cancel, GError **error) {
    if (opening->account->account_id)
        return TRUE;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_GET_CALLER_IDENTITY);
    g_autoptr(XmlDocument) document = aws_client_send(opening->account->client, any_region(opening), query, cancel, error);
    if (!document)
        return FALSE;
    opening->account->account_id = xml_get_text(aws_answer(document, AWS_GET_CALLER_IDENTITY), "Account");
    if (opening->account->account_id)
        return TRUE;
    error_set(error, ERR_REMOTE, "GetCallerIdentity: the answer holds no account id");
    return FALSE;
}

static gboolean look_up_regions(Opening *opening, Cancel *cancel, GError **error) {
    if (json_length(json_root(opening->regions)))
        return TRUE;
    g_auto(GStrv) names = look_up_texts(opening->account, AWS_DESCRIBE_REGIONS, any_region(opening), "regionName", cancel, error);
    if (!names)
        return FALSE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; names[i]; i++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", names[i]);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_unref(opening->regions);
    opening->regions = json_builder_end(builder);
    return TRUE;
}

static void add_region(JsonBuilder *builder, const JsonValue *region, char **zones) {
    const JsonValue *given = json_get(region, "availabilityZones"), *preferred = json_get(region, "preferredZones");
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", json_get_string(region, "name"));
    if (json_length(given))
        json_add_value(builder, "availabilityZones", given);
    else
        json_add_strings(builder, "availabilityZones", (const char *const *)zones);
    if (json_length(preferred))
        json_add_value(builder, "preferredZones", preferred);
    else if (json_length(given))
        json_add_value(builder, "preferredZones", given);
    else
        json_add_strings(builder, "preferredZones", (const char *const *)zones);
    json_add_bool(builder, "deprecated", json_get_bool(region, "deprecated", FALSE));
    json_end_object(builder);
}

/* Zones only help forms and defaults: an account whose zones cannot be read works without them. */
static void look_up_zones(Opening *opening, Cancel *cancel) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(opening->regions)); json_next(&i);) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) zones = NULL;
        if (!json_length(json_get(i.value, "availabilityZones")) && !opening->remark)
            zones = look_up_texts(opening->account, AWS_DESCRIBE_ZONES, json_get_string(i.value, "name"), "zoneName", cancel, &error);
        if (error)
            opening->remark = g_strdup_printf("its availability zones are not known: %s", error->message);
        if (!zones)
            zones = g_new0(char *, 1);
        add_region(builder, i.value, zones);
    }
    json_end_array(builder);
    json_unref(opening->regions);
    opening->regions = json_builder_end(builder);
}

typedef struct {
    Clouds *clouds;
    Cancel *cancel;
    guint retries;
    gint64 back_off_ms;
} Patience;

/* All that the answers depend on, as a digest; caller frees. */
static char *lookup_key(const Opening *opening) {
    const AwsAccount *account = opening->account;
    const AwsConfig *defaults = &account->settings->aws;
    const char *role = account->config.assume_role ? account->config.assume_role : defaults->assume_role;
    g_autoptr(Json) asked = json_pack("{s:s, s:s, s:s, s:j, s:v, s:v}", "accountId", account->account_id, "assumeRole", role, "externalId",
                                      account->config.external_id, "regions", opening->regions, "endpoint",
                                      json_root(account->config.endpoint_url), "endpoints", json_root(defaults->endpoint_url));
    g_autofree char *text = json_write(json_root(asked), NULL);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

static void adopt(Opening *opening, const JsonValue *told) {
    if (!opening->account->account_id)
        opening->account->account_id = g_strdup(json_get_string(told, "accountId"));
    json_unref(opening->regions);
    opening->regions = json_copy(json_get(told, "regions"));
}

static void remember(const Opening *opening, Clouds *clouds, const char *key) {
    g_autoptr(Json) told = json_pack("{s:s, s:j}", "accountId", opening->account->account_id, "regions", opening->regions);
    clouds_lookup_remember(clouds, &opening->account->base, key, json_root(told));
}

static gboolean look_up(Opening *opening, Cancel *cancel, GError **error) {
    if (!look_up_id(opening, cancel, error) || !look_up_regions(opening, cancel, error))
        return FALSE;
    look_up_zones(opening, cancel);
    return TRUE;
}

/* Runs on one of the opening threads. A young answer of an earlier start serves at once, an old one when the cloud does not answer. */
static void complete(gpointer data, gpointer user_data) {
    Opening *opening = data;
    const Patience *patience = user_data;
    gint64 age_ms = 0;
    g_autofree char *key = lookup_key(opening);
    g_autoptr(Json) told = clouds_lookup_recall(patience->clouds, &opening->account->base, key, &age_ms);
    if (told && age_ms < LOOKUP_FRESH_MS) {
        adopt(opening, json_root(told));
        return;
    }
    for (guint tries = 0;; tries++) {
        g_autoptr(GError) error = NULL;
        if (look_up(opening, patience->cancel, &error)) {
            if (!opening->remark)
                remember(opening, patience->clouds, key);
            return;
        }
        if (told) {
            adopt(opening, json_root(told));
            opening->remark = g_strdup_printf("its id and regions are those of an earlier start: %s", error->message);
            return;
        }
        if (tries < patience->retries && !cancel_wait(patience->cancel, patience->back_off_ms))
            continue;
        opening->problem = g_strdup(error->message);
        return;
    }
}

/* ---- building ---- */

/* Regions as written: names or objects; NULL with a reason for others. */
static Json *read_regions(const JsonValue *own, const JsonValue *defaults, char **problem) {
    const JsonValue *given = json_length(own) ? own : defaults;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(given); json_next(&i);) {
        const char *name = json_is_object(i.value) ? json_get_string(i.value, "name") : json_string(i.value);
        if (!name || !*name) {
            *problem = g_strdup("regions: each needs a name");
            name = "";
        }
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", name);
        if (json_is_object(i.value)) {
            static const char *const keys[] = {"availabilityZones", "preferredZones", "deprecated"};
            for (guint k = 0; k < G_N_ELEMENTS(keys); k++)
                json_add_value(builder, keys[k], json_get(i.value, keys[k]));
        }
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* "role/managed" is short for the ARN in the account; NULL: no role. */
static char *role_arn(const AwsAccount *account, const char *region) {
    const AwsConfig *defaults = &account->settings->aws;
    const char *given = account->config.assume_role && *account->config.assume_role ? account->config.assume_role : defaults->assume_role;
    if (!given || !*given)
        return NULL;
    g_autofree char *role = aws_account_render(account, given, NULL);
    if (g_str_has_prefix(role, "arn:"))
        return g_steal_pointer(&role);
    return g_strdup_printf("arn:%s:iam::%s:%s", aws_partition_of_region(region)->id, account->account_id, role);
}

static AwsCredentialSource *account_source(const AwsAccount *account, HttpClient *http, AwsCredentialSource *base, const char *region) {
    const AwsConfig *defaults = &account->settings->aws;
    g_autoptr(AwsCredentialSource) own = NULL;
    if (defaults->use_managing_profile && account->config.managing_profile)
        own = aws_credentials_chain(http, region, defaults->endpoint_url, account->config.managing_profile);
    AwsCredentialSource *from = own ? own : base;
    g_autofree char *arn = role_arn(account, region);
    if (!arn)
        return aws_credential_source_ref(from);
    const char *name = account->config.session_name ? account->config.session_name : defaults->session_name;
    g_autofree char *session = aws_account_render(account, name, NULL);
    gint64 duration_s = account->config.session_duration_s ? account->config.session_duration_s : defaults->session_duration_s;
    AwsAssumeRole role = {arn, session, account->config.external_id, duration_s, region};
    Json *override = account->config.endpoint_url ? account->config.endpoint_url : defaults->endpoint_url;
    return aws_credentials_assume_role(http, from, &role, override);
}

#define ACCOUNT_ID_DIGITS 12

static gboolean is_account_id(const char *text) {
    return strspn(text, "0123456789") == ACCOUNT_ID_DIGITS && text[ACCOUNT_ID_DIGITS] == '\0';
}

static char *check_account(const AwsAccountConfig *config, const AwsConfig *defaults) {
    if (config->account_id && *config->account_id && !is_account_id(config->account_id))
        return g_strdup_printf("accountId: expected %d digits, got \"%s\" (a number that begins with 0 needs quotes)", ACCOUNT_ID_DIGITS,
                               config->account_id);
    const char *role = config->assume_role && *config->assume_role ? config->assume_role : defaults->assume_role;
    gboolean needs_id = role && *role && (!g_str_has_prefix(role, "arn:") || strstr(role, "{{accountId}}"));
    if (needs_id && (!config->account_id || !*config->account_id))
        return g_strdup_printf("accountId: required, because assumeRole is %s and not a whole ARN", role);
    char *problem = aws_endpoint_problem(json_root(config->endpoint_url));
    return problem;
}

/* The older list of groups means that they may do everything. NULL: not restricted. */
static Json *permissions_of(const AwsAccountConfig *config) {
    static const char *const rights[] = {"READ", "WRITE", "EXECUTE"};
    if (config->permissions || !config->groups || !config->groups[0])
        return json_ref(config->permissions);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rights); i++)
        json_add_strings(builder, rights[i], (const char *const *)config->groups);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* One account without what has to be looked up. */
static Opening *begin(const AwsAccountConfig *config, AwsSettings *settings, HttpClient *http, AwsCredentialSource *base) {
    Opening *opening = g_new0(Opening, 1);
    AwsAccount *account = opening->account = g_new0(AwsAccount, 1);
    account->base.cloud = &cloud_aws;
    account->base.ref_count = 1;
    account->base.name = g_strdup(config->name);
    account->base.environment = owned(config->environment, config->name);
    account->base.type = owned(config->type, config->name);
    account->base.primary_health_names = g_strdupv((char *[]){(char *)"Amazon", NULL});
    account->base.permissions = permissions_of(config);
    account->settings = aws_settings_ref(settings);
    account->config = *config;
    account->account_id = config->account_id && *config->account_id ? g_strdup(config->account_id) : NULL;
    g_mutex_init(&account->lock);
    account->public_images_read = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    opening->regions = read_regions(json_root(config->regions), json_root(settings->aws.regions), &opening->problem);
    if (!opening->problem)
        opening->problem = check_account(config, &settings->aws);
    const char *region = any_region(opening);
    g_autoptr(AwsCredentialSource) source = opening->problem ? NULL : account_source(account, http, base, region);
    AwsClientOptions options = {http,
                                source,
                                config->name,
                                config->endpoint_url,
                                settings->aws.endpoint_url,
                                settings->aws.error_retries,
                                settings->service_limits};
    account->client = aws_client_new(&options);
    return opening;
}

/* What clients are told of the account besides. */
static void add_details(AwsAccount *account, const Json *regions) {
    const AwsAccountConfig *config = &account->config;
    const char *role = config->assume_role ? config->assume_role : account->settings->aws.assume_role;
    const struct {
        const char *key, *template;
    } rendered[] = {
        {"bastionHost", config->bastion}, {"edda", config->edda}, {"discovery", config->discovery}, {"front50", config->front50}};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "accountId", account->account_id);
    json_add_json(builder, "regions", regions);
    json_add_string(builder, "defaultKeyPair", account->key_pair);
    json_add_string(builder, "assumeRole", role);
    json_add_strings(builder, "requiredGroupMembership", (const char *const *)config->groups);
    for (guint i = 0; i < G_N_ELEMENTS(rendered); i++) {
        g_autofree char *text = aws_account_render(account, rendered[i].template, NULL);
        json_add_string(builder, rendered[i].key, text);
    }
    json_add_bool(builder, "lambdaEnabled", config->lambda);
    json_add_bool(builder, "allowPrivateThirdPartyImages", config->allow_private_images);
    json_end_object(builder);
    account->base.details = json_builder_end(builder);
}

/* What follows from the completed account. */
static void finish(Opening *opening) {
    AwsAccount *account = opening->account;
    const AwsConfig *defaults = &account->settings->aws;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (JsonIter i = json_iter(json_root(opening->regions)); json_next(&i);)
        g_ptr_array_add(names, (gpointer)json_get_string(i.value, "name"));
    g_ptr_array_add(names, NULL);
    account->base.regions = g_strdupv((char **)names->pdata);
    account->key_pair = aws_account_render(account, account->config.key_pair ? account->config.key_pair : defaults->key_pair_template,
                                           NULL);
    account->security_groups = g_strdupv(account->config.security_groups ? account->config.security_groups : defaults->security_groups);
    add_details(account, opening->regions);
}

void aws_account_free(Account *base) {
    AwsAccount *account = aws_account(base);
    g_free(account->base.name);
    g_free(account->base.environment);
    g_free(account->base.type);
    g_strfreev(account->base.regions);
    g_strfreev(account->base.primary_health_names);
    json_unref(account->base.permissions);
    json_unref(account->base.details);
    params_clear(aws_account_params, &account->config);
    aws_settings_unref(account->settings);
    g_free(account->account_id);
    g_free(account->key_pair);
    g_strfreev(account->security_groups);
    aws_client_unref(account->client);
    g_mutex_clear(&account->lock);
    g_hash_table_unref(account->public_images_read);
    g_free(account);
}

/* ---- all accounts ---- */

typedef enum { USED_ALL_THE_SAME, LEFT_OUT, LEFT_OUT_BY_MISTAKE } Consequence;

static void add_problem(GPtrArray *problems, const Config *config, const JsonValue *value, const char *name, const char *text,
                        Consequence consequence) {
    g_autofree char *where = value ? config_where(config, value) : NULL;
    g_autofree char *whole = g_strdup_printf("%s%sAWS account %s: %s", where ? where : "", where ? ": " : "", name ? name : "?", text);
    AccountProblem problem = {&cloud_aws, (char *)(name ? name : "?"), whole, consequence != USED_ALL_THE_SAME,
                              consequence == LEFT_OUT_BY_MISTAKE};
    account_problem_add(problems, problem);
}

static gboolean is_new_name(GPtrArray *openings, const char *name) {
    for (guint i = 0; i < openings->len; i++)
        if (!strcmp(((const Opening *)openings->pdata[i])->account->base.name, name))
            return FALSE;
    return TRUE;
}

static GPtrArray *begin_all(const Config *config, AwsSettings *settings, HttpClient *http, GPtrArray *problems) {
    GPtrArray *openings = g_ptr_array_new();
    const AwsConfig *aws = &settings->aws;
    g_autoptr(AwsCredentialSource) base = aws->access_key_id && aws->secret_access_key
                                              ? aws_credentials_static(aws->access_key_id, aws->secret_access_key)
                                              : aws_credentials_chain(http, NULL, aws->endpoint_url, NULL);
    /* the configuration's own values, which know their file and line */
    for (JsonIter i = json_iter(config_get(config, SERVICE_CLOUDDRIVER, "aws.accounts")); json_next(&i);) {
        AwsAccountConfig read = {0};
        g_autoptr(GError) error = NULL;
        if (!config_read_value(config, i.value, aws_account_params, &read, &error)) {
            add_problem(problems, config, i.value, json_get_string(i.value, "name"), error->message, LEFT_OUT_BY_MISTAKE);
            continue;
        }
        gboolean is_new = is_new_name(openings, read.name);
        if (!is_new)
            add_problem(problems, config, i.value, read.name, "a second account of this name is left out", LEFT_OUT_BY_MISTAKE);
        if (!is_new || !read.enabled) {
            params_clear(aws_account_params, &read);
            continue;
        }
        Opening *opening = begin(&read, settings, http, base);
        opening->value = i.value;
        opening->mistaken = opening->problem != NULL;
        g_ptr_array_add(openings, opening);
    }
    return openings;
}

static gpointer end_of_patience(gpointer data) {
    Cancel *cancel = data;
    if (!cancel_wait(cancel, AWS_OPEN_MAX_MS))
        cancel_set(cancel);
    cancel_unref(cancel);
    return NULL;
}

static void complete_all(GPtrArray *openings, const AwsConfig *aws, Clouds *clouds) {
    g_autoptr(Cancel) cancel = cancel_new();
    Patience patience = {clouds, cancel, (guint)aws->open_retries, aws->open_back_off_ms};
    GThread *watch = g_thread_new("aws-open", end_of_patience, cancel_ref(cancel));
    GThreadPool *pool = g_thread_pool_new(complete, &patience, AWS_OPEN_THREADS, FALSE, NULL);
    for (guint i = 0; i < openings->len; i++)
        if (!((Opening *)openings->pdata[i])->problem)
            g_thread_pool_push(pool, openings->pdata[i], NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
    cancel_set(cancel);
    g_thread_join(watch);
}

GPtrArray *aws_accounts_open(Config *config, Clouds *clouds, GPtrArray *problems) {
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    g_autoptr(GError) error = NULL;
    g_autoptr(AwsSettings) settings = aws_settings_read(config, &error);
    if (!settings) {
        g_autofree char *text = g_strdup_printf("AWS: %s", error->message);
        account_problem_add(problems, (AccountProblem){&cloud_aws, NULL, text, TRUE, TRUE});
        return accounts;
    }
    if (!settings->aws.enabled || !json_length(json_root(settings->aws.accounts)))
        return accounts;
    g_autoptr(GPtrArray) openings = begin_all(config, settings, clouds_http(clouds), problems);
    complete_all(openings, &settings->aws, clouds);
    for (guint i = 0; i < openings->len; i++) {
        Opening *opening = openings->pdata[i];
        if (opening->problem || opening->remark)
            add_problem(problems, config, opening->value, opening->account->base.name,
                        opening->problem ? opening->problem : opening->remark,
                        opening->mistaken  ? LEFT_OUT_BY_MISTAKE
                        : opening->problem ? LEFT_OUT
                                           : USED_ALL_THE_SAME);
        if (!opening->problem)
            finish(opening);
        if (opening->problem)
            aws_account_free(&opening->account->base);
        else
            g_ptr_array_add(accounts, opening->account);
        json_unref(opening->regions);
        g_free(opening->problem);
        g_free(opening->remark);
        g_free(opening);
    }
    return accounts;
}

char **aws_account_zones(const AwsAccount *account, const char *region) {
    for (JsonIter i = json_iter(json_get(json_root(account->base.details), "regions")); json_next(&i);) {
        if (g_strcmp0(json_get_string(i.value, "name"), region))
            continue;
        GPtrArray *zones = g_ptr_array_new();
        for (JsonIter z = json_iter(json_get(i.value, "availabilityZones")); json_next(&z);)
            g_ptr_array_add(zones, g_strdup(json_string(z.value)));
        g_ptr_array_add(zones, NULL);
        return (char **)g_ptr_array_free(zones, FALSE);
    }
    return g_new0(char *, 1);
}

Account *aws_account_by_id(Clouds *clouds, const char *account_id) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(clouds);
    for (guint i = 0; i < accounts->len; i++) {
        Account *account = accounts->pdata[i];
        if (account->cloud == &cloud_aws && !g_strcmp0(aws_account(account)->account_id, account_id))
            return account_ref(account);
    }
    return NULL;
}
