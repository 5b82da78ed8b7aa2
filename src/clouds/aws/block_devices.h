/* Block devices by default (aws.md 5.7). Pure. */
#pragma once
#include "base/json.h"
#include "net/xml.h"

/* As requests have them: [{deviceName, virtualName | size, volumeType, …}]. volume_type: of EBS-only types; unknown: for types that are not in
 * the table, null for none. Caller owns. */
Json *aws_block_devices_of_type(const char *instance_type, const char *volume_type, const JsonValue *unknown);
/* Those of an item of DescribeImages. */
Json *aws_block_devices_of_image(const XmlNode *image);
/* Whether EBS optimisation is on by default for the type. */
gboolean aws_is_ebs_optimized(const char *instance_type);
gboolean aws_is_burstable(const char *instance_type);
