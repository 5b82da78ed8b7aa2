/* A request in AWS's query protocol: the call and its parameters, in order. Belongs to one thread. */
#pragma once
#include "clouds/aws/calls.h"

typedef struct AwsQuery AwsQuery;
AwsQuery *aws_query_new(AwsCallId call);
void aws_query_free(AwsQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsQuery, aws_query_free)

AwsCallId aws_query_call(const AwsQuery *query);
/* What the call is about, for error texts: "orders-v003". NULL-safe; nothing when not set. */
void aws_query_about(AwsQuery *query, const char *resource);
const char *aws_query_resource(const AwsQuery *query);

/* Each adds one parameter whose key is printed from the format. A NULL value adds nothing. */
void aws_query_add(AwsQuery *query, const char *value, const char *key_format, ...) G_GNUC_PRINTF(3, 4);
void aws_query_add_int(AwsQuery *query, gint64 value, const char *key_format, ...) G_GNUC_PRINTF(3, 4);
void aws_query_add_bool(AwsQuery *query, gboolean value, const char *key_format, ...) G_GNUC_PRINTF(3, 4);
/* values under <key>.1, <key>.2 …; NULL: nothing. */
void aws_query_add_list(AwsQuery *query, const char *const *values, const char *key);
/* EC2's Filter.N.Name and Filter.N.Value.1. */
void aws_query_add_filter(AwsQuery *query, const char *name, const char *value);
void aws_query_add_filter_list(AwsQuery *query, const char *name, const char *const *values);

/* The form to send; page: a token of the page before, or NULL. Caller frees. */
char *aws_query_body(const AwsQuery *query, const char *page);
