/* The search for images of AWS: what may be asked for (aws.md 3). */
#include "clouds/aws/views.h"
#include "clouds/image_search.h"
#include <string.h>

static gboolean is_image_id(const char *text) {
    const char *digits = text + strlen("ami-");
    gsize length = strlen(digits);
    return (length == 8 || length == 17) && strspn(digits, "0123456789abcdefABCDEF") == length;
}

static gboolean check_query(const char *q, GError **error) {
    if (!view_images_check_query(q, error))
        return FALSE;
    if (strcmp(q, "ami") && (!g_str_has_prefix(q, "ami-") || is_image_id(q)))
        return TRUE;
    error_set(error, ERR_INVALID, "Searches by AMI id must be an exact match (ami-xxxxxxxx), got %s", q);
    return FALSE;
}

Json *aws_view_images_find(Clouds *clouds, const JsonValue *query, GError **error) {
    return check_query(json_get_string(query, "q"), error) ? view_images_find(clouds, "aws", "ami-", query) : NULL;
}
