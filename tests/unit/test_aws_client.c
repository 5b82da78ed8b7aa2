/* AWS calls: what is repeated and what is not, pages, clocks, sessions, and what errors say. The code of an error decides whether a write
 * may be repeated blindly. */
#include "aws_fake.h"
#include "clouds/aws/failure.h"
#include <stdlib.h>

#define GROUPS(INNER)                                                                                                                      \
    "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeAutoScalingGroupsResult>"      \
    "<AutoScalingGroups>" INNER "</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
#define ERROR(CODE, MESSAGE)                                                                                                               \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" CODE "</Code><Message>" MESSAGE "</Message></Error></ErrorResponse>"
#define EC2_ERROR(CODE, MESSAGE) "<Response><Errors><Error><Code>" CODE "</Code><Message>" MESSAGE "</Message></Error></Errors></Response>"
#define DONE "<SuspendProcessesResponse><ResponseMetadata/></SuspendProcessesResponse>"

static gboolean count_item(const XmlNode *item, gpointer data, GError **error) {
    (void)item, (void)error;
    ++*(guint *)data;
    return TRUE;
}

/* Lists groups; *items: how many came. */
static GError *list_groups(AwsClient *client, guint *items) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_GROUPS);
    aws_query_about(query, "orders-v003");
    GError *error = NULL;
    *items = 0;
    gboolean done = aws_client_list(client, "us-east-1", query, NULL, count_item, items, &error);
    g_assert_cmpint(done, ==, error == NULL);
    return error;
}

static GError *suspend(AwsClient *client) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_SUSPEND_PROCESSES);
    aws_query_about(query, "orders-v003");
    aws_query_add(query, "orders-v003", "AutoScalingGroupName");
    GError *error = NULL;
    aws_client_write(client, "us-east-1", query, NULL, &error);
    return error;
}

/* What a client with few repeats makes of the answers, and how many calls it took. */
static GError *run_list(FakeAnswers answers, guint *items, guint *calls) {
    Fake fake;
    fake_start(&fake, answers);
    g_autoptr(AwsClient) client = fake_client(&fake, 2);
    GError *error = list_groups(client, items);
    *calls = fake.seen->len;
    fake_stop(&fake);
    return error;
}

static GError *run_write(FakeAnswers answers, guint *calls) {
    Fake fake;
    fake_start(&fake, answers);
    g_autoptr(AwsClient) client = fake_client(&fake, 2);
    GError *error = suspend(client);
    *calls = fake.seen->len;
    fake_stop(&fake);
    return error;
}

static void check(GError *error, ErrorCode code, const char *words) {
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    if (!strstr(error->message, words))
        g_error("expected \"%s\" in: %s", words, error->message);
    g_assert_null(strstr(error->message, "test-secret"));
    g_error_free(error);
}

/* ---- pages ---- */

static FakeAnswer two_pages(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path;
    if (strstr(body, "NextToken=page%2F2"))
        return fake_text(200, GROUPS("<member/></AutoScalingGroups>"));
    return fake_text(200, GROUPS("<member/><member/></AutoScalingGroups><NextToken>page/2</NextToken>"));
}

static void test_pages(void) {
    guint items, calls;
    g_assert_no_error(run_list(two_pages, &items, &calls));
    g_assert_cmpuint(items, ==, 3);
    g_assert_cmpuint(calls, ==, 2);
}

static FakeAnswer bad_second_page(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    if (strstr(body, "NextToken"))
        return fake_text(403, ERROR("AccessDenied", "not you"));
    return two_pages(fake, number, method, path, body);
}

static FakeAnswer same_page(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(200, GROUPS("</AutoScalingGroups><NextToken>again</NextToken>"));
}

static void test_bad_pages(void) {
    guint items, calls;
    check(run_list(bad_second_page, &items, &calls), ERR_REMOTE, "not you (AccessDenied)");
    check(run_list(same_page, &items, &calls), ERR_REMOTE, "again and again");
}

/* ---- answers that are none ---- */

static FakeAnswer without_list(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(200, "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult/></DescribeAutoScalingGroupsResponse>");
}
static FakeAnswer empty(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(200, "");
}
static FakeAnswer cut(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(200, "<DescribeAutoScalingGroupsResponse><Desc");
}
static FakeAnswer other_call(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(200, "<html>A proxy greets you</html>");
}

static void test_unreadable(void) {
    const FakeAnswers all[] = {without_list, empty, cut, other_call};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        guint items, calls;
        check(run_list(all[i], &items, &calls), ERR_UNAVAILABLE, "DescribeAutoScalingGroups orders-v003 in us-east-1 (account prod): ");
        g_assert_cmpuint(calls, ==, 3);
        check(run_write(all[i], &calls), ERR_TIMEOUT, "(unreadable answer)");
        g_assert_cmpuint(calls, ==, 1);
    }
}

/* ---- what is repeated ---- */

static FakeAnswer throttled_twice(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)method, (void)path;
    if (number < 2)
        return number ? fake_text(503, EC2_ERROR("RequestLimitExceeded", "Request limit exceeded."))
                      : fake_text(400, ERROR("Throttling", "Rate exceeded"));
    return fake_text(200, strstr(body, "SuspendProcesses") ? DONE : GROUPS("<member/></AutoScalingGroups>"));
}
static FakeAnswer always_throttled(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)number;
    return throttled_twice(fake, 0, method, path, body);
}
static FakeAnswer server_error(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(500, ERROR("InternalFailure", "An internal error has occurred"));
}

static void test_throttling(void) {
    guint items, calls;
    g_assert_no_error(run_list(throttled_twice, &items, &calls));
    g_assert_no_error(run_write(throttled_twice, &calls));
    g_assert_cmpuint(calls, ==, 3);
    check(run_write(always_throttled, &calls), ERR_UNAVAILABLE, "Rate exceeded (Throttling)");
    g_assert_cmpuint(calls, ==, 3);
}

static void test_server_errors(void) {
    guint items, calls;
    check(run_list(server_error, &items, &calls), ERR_UNAVAILABLE, "(InternalFailure)");
    g_assert_cmpuint(calls, ==, 3);
    check(run_write(server_error, &calls), ERR_TIMEOUT, "SuspendProcesses orders-v003 in us-east-1 (account prod)");
    g_assert_cmpuint(calls, ==, 1);
}

/* The code in the body of the request is the one that is answered. */
static FakeAnswer refuse(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)number, (void)method, (void)path, (void)body;
    return fake_text(400, fake->want_header);
}

static void test_definite_answers(void) {
    static const struct {
        const char *answer;
        ErrorCode code;
    } cases[] = {
        {ERROR("AlreadyExists", "A group exists"), ERR_CONFLICT},
        {EC2_ERROR("InvalidLaunchTemplateName.AlreadyExistsException", "in use"), ERR_CONFLICT},
        {EC2_ERROR("InvalidGroup.Duplicate", "there is one"), ERR_CONFLICT},
        {ERROR("ScalingActivityInProgress", "busy"), ERR_CONFLICT},
        {ERROR("ValidationError", "AutoScalingGroup name not found - x"), ERR_NOT_FOUND},
        {ERROR("ValidationError", "Min bigger than max"), ERR_INVALID},
        {EC2_ERROR("InvalidLaunchTemplateId.NotFound", "no"), ERR_NOT_FOUND},
        {ERROR("LoadBalancerNotFound", "no"), ERR_NOT_FOUND},
        {EC2_ERROR("InvalidParameterValue", "bad"), ERR_INVALID},
        {EC2_ERROR("MissingParameter", "none"), ERR_INVALID},
        {ERROR("LimitExceeded", "quota"), ERR_LIMIT},
        {EC2_ERROR("InstanceLimitExceeded", "quota"), ERR_LIMIT},
        {EC2_ERROR("UnauthorizedOperation", "no"), ERR_REMOTE},
        {"Bad things", ERR_REMOTE},
    };
    Fake fake;
    fake_start(&fake, refuse);
    g_autoptr(AwsClient) client = fake_client(&fake, 0);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        fake.want_header = cases[i].answer;
        check(suspend(client), cases[i].code, "SuspendProcesses orders-v003");
    }
    g_assert_cmpuint(fake.seen->len, ==, G_N_ELEMENTS(cases));
    fake_stop(&fake);
}

static void test_nobody_there(void) {
    Fake fake;
    fake_start(&fake, empty);
    g_autoptr(AwsClient) client = fake_client(&fake, 1);
    http_server_stop(fake.server, 100);
    check(suspend(client), ERR_UNAVAILABLE, "(not reached)");
    fake.server = http_server_start(&(HttpServerOptions){.address = "127.0.0.1", .handle = fake_handle, .data = &fake}, NULL);
    fake_stop(&fake);
}

static void test_error_words(void) {
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_CONFLICT,
              "CreateLaunchTemplate x in us-east-1 (account prod): it is there (InvalidLaunchTemplateName.AlreadyExistsException)");
    g_assert_true(aws_error_is(error, "InvalidLaunchTemplateName.AlreadyExistsException"));
    g_assert_false(aws_error_is(error, "AlreadyExistsException"));
    g_assert_true(aws_error_is_duplicate(error));
    g_assert_false(aws_error_is_absent(error) || aws_error_is(NULL, "x") || aws_error_is_absent(NULL));
}

/* ---- clocks and sessions ---- */

static const char *const late_clock[] = {"Date", "Tue, 24 Nov 2099 12:00:00 GMT", NULL};

static FakeAnswer skewed_once(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)method, (void)path, (void)body;
    FakeAnswer answer = number ? fake_text(200, DONE) : fake_text(403, EC2_ERROR("RequestTimeTooSkewed", "too large"));
    answer.headers = late_clock;
    return answer;
}

static void test_skew(void) {
    Fake fake;
    fake_start(&fake, skewed_once);
    fake.want_header = "X-Amz-Date";
    g_autoptr(AwsClient) client = fake_client(&fake, 0);
    g_assert_no_error(suspend(client));
    g_assert_false(g_str_has_prefix(fake.authorizations->pdata[0], "20991124T"));
    g_assert_true(g_str_has_prefix(fake.authorizations->pdata[1], "20991124T"));
    g_assert_no_error(suspend(client)); /* it is remembered */
    g_assert_true(g_str_has_prefix(fake.authorizations->pdata[2], "20991124T"));
    fake_stop(&fake);
}

typedef struct {
    gint fetched;
} Sessions;

static AwsCredentials *fetch_session(gpointer data, Cancel *cancel, GError **error) {
    (void)cancel, (void)error;
    Sessions *sessions = data;
    g_autofree char *key = g_strdup_printf("SESSION%d", g_atomic_int_add(&sessions->fetched, 1));
    return aws_credentials_new(key, "test-secret", "token", clock_now_ms() + 3600000);
}

static FakeAnswer refuse_first_session(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)method, (void)path, (void)body;
    g_mutex_lock(&fake->lock);
    gboolean first = strstr(fake->authorizations->pdata[number], "Credential=SESSION0/") != NULL;
    g_mutex_unlock(&fake->lock);
    return first ? fake_text(403, ERROR("ExpiredToken", "expired")) : fake_text(200, DONE);
}

static void test_session_is_renewed_once(void) {
    Fake fake;
    fake_start(&fake, refuse_first_session);
    Sessions sessions = {0};
    g_autoptr(AwsCredentialSource) source = aws_credential_source_new("session", fetch_session, &sessions, NULL);
    g_autoptr(Json) override = json_from_string(fake.url);
    AwsClientOptions options = {.http = fake.http, .source = source, .account = "prod", .override = override, .error_retries = 0};
    g_autoptr(AwsClient) client = aws_client_new(&options);
    g_assert_no_error(suspend(client));
    g_assert_no_error(suspend(client));
    g_assert_cmpint(sessions.fetched, ==, 2);
    g_assert_cmpuint(fake.seen->len, ==, 3);
    fake_stop(&fake);
}

static FakeAnswer always_expired(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number, (void)method, (void)path, (void)body;
    return fake_text(403, ERROR("ExpiredToken", "expired"));
}

static void test_session_that_stays_ended(void) {
    guint calls;
    check(run_write(always_expired, &calls), ERR_UNAVAILABLE, "expired (ExpiredToken)");
    g_assert_cmpuint(calls, ==, 2);
}

/* ---- cancel ---- */

static void test_cancelled(void) {
    Fake fake;
    fake_start(&fake, always_throttled);
    g_autoptr(AwsClient) client = fake_client(&fake, 10);
    g_autoptr(Cancel) cancel = cancel_new();
    cancel_set(cancel);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_SUSPEND_PROCESSES);
    GError *error = NULL;
    g_assert_false(aws_client_write(client, "us-east-1", query, cancel, &error));
    g_assert_true(error_code(error) == ERR_CANCELLED || error_code(error) == ERR_TIMEOUT);
    g_error_free(error);
    fake_stop(&fake);
}

int main(int argc, char **argv) {
    g_unsetenv("AWS_ENDPOINT_URL");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aws/client/pages", test_pages);
    g_test_add_func("/aws/client/bad-pages", test_bad_pages);
    g_test_add_func("/aws/client/unreadable", test_unreadable);
    g_test_add_func("/aws/client/throttling", test_throttling);
    g_test_add_func("/aws/client/server-errors", test_server_errors);
    g_test_add_func("/aws/client/definite-answers", test_definite_answers);
    g_test_add_func("/aws/client/nobody-there", test_nobody_there);
    g_test_add_func("/aws/client/error-words", test_error_words);
    g_test_add_func("/aws/client/skew", test_skew);
    g_test_add_func("/aws/client/session-is-renewed-once", test_session_is_renewed_once);
    g_test_add_func("/aws/client/session-that-stays-ended", test_session_that_stays_ended);
    g_test_add_func("/aws/client/cancelled", test_cancelled);
    return g_test_run();
}
