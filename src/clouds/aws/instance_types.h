/* The instance types of each region, shared by all accounts of one configuration. Any thread. */
#pragma once
#include <glib.h>

typedef struct AwsInstanceTypes AwsInstanceTypes;
AwsInstanceTypes *aws_instance_types_new(void);
void aws_instance_types_free(AwsInstanceTypes *types);
