/* Error answers of AWS: one table from codes to what they mean. Codes are from the public API references. */
#include "clouds/aws/failure.h"
#include "net/xml.h"
#include <string.h>

/* How a code is matched: the whole, or its end (".NotFound"). */
typedef struct {
    const char *code;
    gboolean ending;
    AwsFailureKind kind;
    ErrorCode error;
} CodeMeaning;

static const CodeMeaning MEANINGS[] = {
    {"Throttling", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"ThrottlingException", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"ThrottledException", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"RequestThrottled", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"RequestThrottledException", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"TooManyRequestsException", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"RequestLimitExceeded", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"BandwidthLimitExceeded", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"EC2ThrottledException", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"PriorRequestNotComplete", FALSE, AWS_FAILURE_THROTTLED, ERR_UNAVAILABLE},
    {"RequestTimeTooSkewed", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"RequestInTheFuture", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"RequestExpired", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"SignatureDoesNotMatch", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"InvalidSignatureException", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"AuthFailure", FALSE, AWS_FAILURE_SKEWED, ERR_REMOTE},
    {"ExpiredToken", FALSE, AWS_FAILURE_EXPIRED, ERR_UNAVAILABLE},
    {"ExpiredTokenException", FALSE, AWS_FAILURE_EXPIRED, ERR_UNAVAILABLE},
    {"TokenRefreshRequired", FALSE, AWS_FAILURE_EXPIRED, ERR_UNAVAILABLE},
    {"AlreadyExists", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"AlreadyExistsException", TRUE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {".Duplicate", TRUE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"IdempotentParameterMismatch", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"ResourceContention", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"ResourceInUse", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"ScalingActivityInProgress", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {"DependencyViolation", FALSE, AWS_FAILURE_ANSWER, ERR_CONFLICT},
    {".NotFound", TRUE, AWS_FAILURE_ANSWER, ERR_NOT_FOUND},
    {".NotFoundException", TRUE, AWS_FAILURE_ANSWER, ERR_NOT_FOUND},
    {"NotFound", TRUE, AWS_FAILURE_ANSWER, ERR_NOT_FOUND},
    {"NotFoundException", TRUE, AWS_FAILURE_ANSWER, ERR_NOT_FOUND},
    {"NoSuchEntity", FALSE, AWS_FAILURE_ANSWER, ERR_NOT_FOUND},
    {"LimitExceeded", TRUE, AWS_FAILURE_ANSWER, ERR_LIMIT},
    {"TooManyTargets", FALSE, AWS_FAILURE_ANSWER, ERR_LIMIT},
    {"ValidationError", FALSE, AWS_FAILURE_ANSWER, ERR_INVALID},
    {"ValidationException", FALSE, AWS_FAILURE_ANSWER, ERR_INVALID},
};

/* Malformed, of a kind: "InvalidParameterValue", "MissingParameter", "InvalidLaunchTemplateName.MalformedException". */
static const char *const INVALID_STARTS[] = {"Invalid", "Missing", "Malformed", "UnsupportedOperation", NULL};
/* Words of ValidationError, which names no code for what is absent. */
static const char *const ABSENT_WORDS[] = {"not found", "does not exist", "not exist", NULL};

static const CodeMeaning *meaning_of(const char *code) {
    for (guint i = 0; i < G_N_ELEMENTS(MEANINGS); i++)
        if (MEANINGS[i].ending ? g_str_has_suffix(code, MEANINGS[i].code) : !strcmp(code, MEANINGS[i].code))
            return &MEANINGS[i];
    return NULL;
}

static gboolean has_word(const char *text, const char *const *words) {
    g_autofree char *folded = g_ascii_strdown(text, -1);
    for (guint i = 0; words[i]; i++)
        if (strstr(folded, words[i]))
            return TRUE;
    return FALSE;
}

void aws_failure_clear(AwsFailure *failure) {
    g_free(failure->code);
    g_free(failure->message);
    *failure = (AwsFailure){0};
}

static void set(AwsFailure *failure, AwsFailureKind kind, int status, char *code, char *message) {
    aws_failure_clear(failure);
    *failure = (AwsFailure){kind, status, code, message};
}

static AwsFailureKind kind_of(int status, const char *code) {
    const CodeMeaning *meaning = meaning_of(code);
    if (meaning && (status < 500 || meaning->kind == AWS_FAILURE_THROTTLED))
        return meaning->kind;
    if (status == 429)
        return AWS_FAILURE_THROTTLED;
    return status >= 500 ? AWS_FAILURE_SERVER : AWS_FAILURE_ANSWER;
}

/* Query: ErrorResponse/Error; EC2: Response/Errors/Error. */
static const XmlNode *error_element(const XmlDocument *document) {
    const XmlNode *root = xml_root(document), *error = xml_get(root, "Error");
    return error ? error : xml_get(root, "Errors/Error");
}

void aws_failure_read(AwsFailure *failure, const HttpResponse *response) {
    g_autoptr(XmlDocument) document = xml_parse(response->body, response->body_length, NULL);
    const XmlNode *error = error_element(document);
    char *code = xml_get_text(error, "Code"), *message = xml_get_text(error, "Message");
    if (!code || !*code) {
        g_free(code);
        code = g_strdup_printf("HTTP %d", response->status);
    }
    set(failure, kind_of(response->status, code), response->status, code,
        message ? message : g_strdup("the answer says no more than its status"));
}

void aws_failure_from_transport(AwsFailure *failure, const GError *error) {
    ErrorCode code = error_code(error);
    AwsFailureKind kind = code == ERR_UNAVAILABLE ? AWS_FAILURE_NOT_SENT
                          : code == ERR_CANCELLED ? AWS_FAILURE_CANCELLED
                                                  : AWS_FAILURE_UNKNOWN;
    set(failure, kind, 0, g_strdup(kind == AWS_FAILURE_NOT_SENT ? "not reached" : "no answer"), g_strdup(error->message));
}

void aws_failure_malformed(AwsFailure *failure, int status, const char *what) {
    set(failure, AWS_FAILURE_SERVER, status, g_strdup("unreadable answer"), g_strdup(what));
}

static ErrorCode definite_code(const AwsFailure *failure) {
    const CodeMeaning *meaning = meaning_of(failure->code);
    if (meaning && meaning->error != ERR_INVALID)
        return meaning->error;
    if (meaning)
        return has_word(failure->message, ABSENT_WORDS) ? ERR_NOT_FOUND : ERR_INVALID;
    for (guint i = 0; INVALID_STARTS[i]; i++)
        if (g_str_has_prefix(failure->code, INVALID_STARTS[i]))
            return ERR_INVALID;
    return ERR_REMOTE;
}

static ErrorCode code_of(const AwsFailure *failure, gboolean writes) {
    switch (failure->kind) {
    case AWS_FAILURE_THROTTLED:
    case AWS_FAILURE_NOT_SENT:
        return ERR_UNAVAILABLE;
    case AWS_FAILURE_SERVER:
    case AWS_FAILURE_UNKNOWN:
        return writes ? ERR_TIMEOUT : ERR_UNAVAILABLE;
    case AWS_FAILURE_CANCELLED:
        return writes ? ERR_TIMEOUT : ERR_CANCELLED;
    default:
        return definite_code(failure);
    }
}

void aws_failure_to_error(const AwsFailure *failure, const AwsQuery *query, const char *account, const char *region, GError **error) {
    const AwsCall *call = aws_call(aws_query_call(query));
    const char *resource = aws_query_resource(query);
    error_set(error, code_of(failure, call->writes), "%s%s%s in %s (account %s): %s (%s)", call->action, resource ? " " : "",
              resource ? resource : "", region, account, failure->message, failure->code);
}

gboolean aws_error_is(const GError *error, const char *code) {
    if (!error)
        return FALSE;
    g_autofree char *end = g_strdup_printf(" (%s)", code);
    return strstr(error->message, end) != NULL;
}

gboolean aws_error_is_absent(const GError *error) {
    return error && error_code(error) == ERR_NOT_FOUND;
}

gboolean aws_error_is_duplicate(const GError *error) {
    return error && error_code(error) == ERR_CONFLICT && (strstr(error->message, "AlreadyExists") || strstr(error->message, ".Duplicate"));
}

gboolean aws_error_may_be_invisible(const GError *error) {
    return error && (error_code(error) == ERR_NOT_FOUND || error_code(error) == ERR_INVALID);
}
