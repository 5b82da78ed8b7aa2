/* Finding images for operations. Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/operations/operations.h"

gboolean aws_is_image_id(const char *text); /* ami- and lower-case hex digits */
/* The image of that name or id as an account sees it: executable by it, else owned by it, else any. TRUE with *image NULL when there is
 * none; *image points into *document. */
gboolean aws_image_find(Operation *operation, AwsAccount *viewer, const char *region, const char *name, XmlDocument **document,
                        const XmlNode **image, GError **error);
