/* AWS as a cloud: accounts, inventory, operations, views. */
#pragma once
#include "clouds/cloud.h"

extern const Cloud cloud_aws;

/* Allows an image that was baked in another account to be launched: Cloud.prepare_create. */
gboolean aws_prepare_create(Clouds *clouds, Account *account, const JsonValue *description, JsonBuilder *operations, GError **error);
/* Takes from the source group what a description leaves open: Cloud.prepare_clone. */
Json *aws_prepare_clone(Clouds *clouds, Account *account, const JsonValue *description, Cancel *cancel, GError **error);
