/* The error domain and the one table of how errors look outside. Pure, any thread. */
#include "base/error.h"
#include <gio/gio.h>

G_DEFINE_QUARK(gennaker - error - quark, gennaker_error)

/* Indexed by code. Reason phrases as Spring writes them. Kinds and retries: the exception object and the failing task runs of Orca. */
static const ErrorOutward outward[] = {
    {ERR_INVALID, "INVALID", 400, "Bad Request", "IllegalArgumentException", NULL, FALSE, 2},
    {ERR_UNAUTHENTICATED, "UNAUTHENTICATED", 401, "Unauthorized", "AuthenticationException", NULL, FALSE, 3},
    {ERR_FORBIDDEN, "FORBIDDEN", 403, "Forbidden", "AccessDeniedException", NULL, FALSE, 4},
    {ERR_NOT_FOUND, "NOT_FOUND", 404, "Not Found", "NotFoundException", NULL, FALSE, 5},
    {ERR_CONFLICT, "CONFLICT", 409, "Conflict", "ConflictException", NULL, FALSE, 6},
    {ERR_LIMIT, "LIMIT", 413, "Payload Too Large", "LimitExceededException", NULL, FALSE, 7},
    {ERR_UNAVAILABLE, "UNAVAILABLE", 503, "Service Unavailable", "SpinnakerNetworkException", "NETWORK", TRUE, 8},
    {ERR_TIMEOUT, "TIMEOUT", 504, "Gateway Timeout", "TimeoutException", "NETWORK", TRUE, 9},
    {ERR_REMOTE, "REMOTE", 502, "Bad Gateway", "SpinnakerHttpException", "HTTP", FALSE, 10},
    {ERR_CANCELLED, "CANCELLED", 503, "Service Unavailable", "CancellationException", NULL, FALSE, 11},
    {ERR_INTERNAL, "INTERNAL", 500, "Internal Server Error", "IllegalStateException", "UNEXPECTED", FALSE, 1},
};
G_STATIC_ASSERT(G_N_ELEMENTS(outward) == ERR_INTERNAL);

const ErrorOutward *error_outward(ErrorCode code) {
    if (code < ERR_INVALID || code > ERR_INTERNAL)
        code = ERR_INTERNAL;
    return &outward[code - 1];
}

void error_set(GError **error, ErrorCode code, const char *format, ...) {
    if (error == NULL)
        return;
    va_list values;
    va_start(values, format);
    g_propagate_error(error, g_error_new_valist(GENNAKER_ERROR, (int)code, format, values));
    va_end(values);
}

typedef struct {
    int foreign;
    ErrorCode code;
} Translation;

static const Translation file_codes[] = {
    {G_FILE_ERROR_NOENT, ERR_NOT_FOUND}, {G_FILE_ERROR_NOTDIR, ERR_NOT_FOUND},  {G_FILE_ERROR_ACCES, ERR_FORBIDDEN},
    {G_FILE_ERROR_PERM, ERR_FORBIDDEN},  {G_FILE_ERROR_ROFS, ERR_FORBIDDEN},    {G_FILE_ERROR_EXIST, ERR_CONFLICT},
    {G_FILE_ERROR_NOSPC, ERR_LIMIT},     {G_FILE_ERROR_MFILE, ERR_UNAVAILABLE}, {G_FILE_ERROR_AGAIN, ERR_UNAVAILABLE},
    {G_FILE_ERROR_INVAL, ERR_INVALID},   {G_FILE_ERROR_ISDIR, ERR_INVALID},
};

static const Translation io_codes[] = {
    {G_IO_ERROR_NOT_FOUND, ERR_NOT_FOUND},
    {G_IO_ERROR_PERMISSION_DENIED, ERR_FORBIDDEN},
    {G_IO_ERROR_EXISTS, ERR_CONFLICT},
    {G_IO_ERROR_NO_SPACE, ERR_LIMIT},
    {G_IO_ERROR_TIMED_OUT, ERR_TIMEOUT},
    {G_IO_ERROR_CANCELLED, ERR_CANCELLED},
    {G_IO_ERROR_BUSY, ERR_UNAVAILABLE},
    {G_IO_ERROR_CONNECTION_REFUSED, ERR_UNAVAILABLE},
    {G_IO_ERROR_HOST_NOT_FOUND, ERR_UNAVAILABLE},
    {G_IO_ERROR_INVALID_ARGUMENT, ERR_INVALID},
};

static ErrorCode translate(const Translation *table, gsize length, int foreign) {
    for (gsize i = 0; i < length; i++)
        if (table[i].foreign == foreign)
            return table[i].code;
    return ERR_INTERNAL;
}

ErrorCode error_code(const GError *error) {
    if (error == NULL)
        return ERR_INTERNAL;
    if (error->domain == GENNAKER_ERROR)
        return (ErrorCode)error->code;
    if (error->domain == G_FILE_ERROR)
        return translate(file_codes, G_N_ELEMENTS(file_codes), error->code);
    if (error->domain == G_IO_ERROR)
        return translate(io_codes, G_N_ELEMENTS(io_codes), error->code);
    return ERR_INTERNAL;
}
