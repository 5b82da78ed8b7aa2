/* Documents that a cloud keeps in the data store, by a name of its own. Any thread that may block. */
#pragma once
#include "clouds/cloud.h"

Json *clouds_document_load(Clouds *clouds, const char *name); /* NULL: none was kept; caller owns */
gboolean clouds_document_save(Clouds *clouds, const char *name, Json *document, GError **error);
