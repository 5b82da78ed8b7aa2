/* Finding images for operations. Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/operations/operations.h"

gboolean aws_is_image_id(const char *text); /* ami- and lower-case hex digits */
/* Where an image is looked for: among those the account owns or was given, or among all that it sees (public ones too). */
typedef enum { AWS_IMAGE_OWN = 1, AWS_IMAGE_ANYBODYS = 2 } AwsImageScope;
/* The image of that name or id as an account sees it: executable by it, else owned by it, else any, as the scope allows. TRUE with *image
 * NULL when there is none; *image points into *document. */
gboolean aws_image_find(Operation *operation, AwsAccount *viewer, const char *region, const char *name, AwsImageScope scope,
                        XmlDocument **document, const XmlNode **image, GError **error);
