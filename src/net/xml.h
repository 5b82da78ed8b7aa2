/* XML answers (AWS query protocol): parsed by libxml2 without network, entities or DTD; then read like JSON.
 * Any thread. */
#pragma once
#include "base/error.h"

#define XML_TEXT_MAX (64 * 1024 * 1024)
#define XML_DEPTH_MAX 256

typedef struct XmlDocument XmlDocument;
typedef struct _xmlNode XmlNode;
XmlDocument *xml_parse(const char *text, gsize length, GError **error); /* ERR_REMOTE with line for malformed text */
void xml_document_free(XmlDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlDocument, xml_document_free)
const XmlNode *xml_root(const XmlDocument *document);
const char *xml_name(const XmlNode *node); /* local name */
/* First child element of that name (namespace ignored); NULL-safe. path: "a/b/c". */
const XmlNode *xml_get(const XmlNode *node, const char *path);
char *xml_text(const XmlNode *node); /* trimmed; "" for an empty element, NULL for a NULL node; caller frees */
char *xml_get_text(const XmlNode *node, const char *path);
/* for (const XmlNode *i = xml_first(list, "item"); i; i = xml_next(i, "item")); name NULL: any element. */
const XmlNode *xml_first(const XmlNode *node, const char *name);
const XmlNode *xml_next(const XmlNode *node, const char *name);
