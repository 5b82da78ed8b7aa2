/* XML answers as the JSON that Spinnaker's users know: names as the Java SDK's objects are written, lists as arrays, numbers and
 * switches typed, times in milliseconds. Pure; any thread. */
#pragma once
#include "base/json.h"
#include "net/xml.h"

typedef enum {
    AWS_SHAPE_QUERY, /* Auto Scaling, load balancing, CloudWatch: <Name><member>… */
    AWS_SHAPE_EC2,   /* <nameSet><item>… */
} AwsShape;

Json *aws_document(const XmlNode *node, AwsShape shape);
/* The element's members in the open object of the builder. */
void aws_document_add_members(JsonBuilder *builder, const XmlNode *node, AwsShape shape);

/* [{key, value}] or [{Key, Value}] lists as an object, of JSON; caller owns. NULL for a missing list. */
Json *aws_tags_object(const JsonValue *tags);
/* A tag's value out of such a list; NULL when absent. Borrowed. */
const char *aws_tag(const JsonValue *tags, const char *key);
/* Texts of an array, or of one member of its objects; never NULL. Caller frees with g_strfreev. */
char **aws_strings(const JsonValue *array);
char **aws_member_strings(const JsonValue *array, const char *member);
