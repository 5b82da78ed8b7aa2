/* XML answers, parsed by libxml2. A document owns its nodes; any thread may read one.
 *
 * No network, no entities: a document type declaration ends the parse at once, so there is nothing to expand. Depth and
 * size are limited here, since libxml2's own limits differ between versions. */
#include "net/xml.h"
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

struct XmlDocument {
    xmlDoc *doc;
};

typedef struct {
    guint depth;
    gboolean too_deep, has_dtd;
} ParseState;

static void on_dtd(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
    (void)name, (void)external_id, (void)system_id;
    xmlParserCtxt *parser = context;
    ((ParseState *)parser->_private)->has_dtd = TRUE;
    xmlStopParser(parser);
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
                     const xmlChar **namespaces, int n_attributes, int n_defaulted, const xmlChar **attributes) {
    xmlParserCtxt *parser = context;
    ParseState *state = parser->_private;
    if (++state->depth > XML_DEPTH_MAX) {
        state->too_deep = TRUE;
        xmlStopParser(parser);
        return;
    }
    xmlSAX2StartElementNs(context, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_defaulted, attributes);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    ((ParseState *)((xmlParserCtxt *)context)->_private)->depth--;
    xmlSAX2EndElementNs(context, name, prefix, uri);
}

static void init_once(void) {
    static gsize initialised;
    if (g_once_init_enter(&initialised)) {
        xmlInitParser();
        g_once_init_leave(&initialised, 1);
    }
}

static void set_parse_error(const ParseState *state, xmlParserCtxt *parser, GError **error) {
    if (state->has_dtd) {
        error_set(error, ERR_REMOTE, "XML answer has a document type declaration, which is not accepted");
        return;
    }
    if (state->too_deep) {
        error_set(error, ERR_LIMIT, "XML answer is nested deeper than %d elements (XML_DEPTH_MAX)", XML_DEPTH_MAX);
        return;
    }
    const xmlError *problem = xmlCtxtGetLastError(parser);
    g_autofree char *reason = g_strdup(problem && problem->message ? problem->message : "no document");
    error_set(error, ERR_REMOTE, "XML answer is malformed in line %d: %s", problem ? problem->line : 1, g_strstrip(reason));
}

XmlDocument *xml_parse(const char *text, gsize length, GError **error) {
    if (length > XML_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "XML answer has %" G_GSIZE_FORMAT " bytes, more than %d (XML_TEXT_MAX)", length, XML_TEXT_MAX);
        return NULL;
    }
    init_once();
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser) {
        error_set(error, ERR_INTERNAL, "XML parser: out of memory");
        return NULL;
    }
    ParseState state = {0};
    parser->_private = &state;
    parser->sax->internalSubset = on_dtd;
    parser->sax->startElementNs = on_start;
    parser->sax->endElementNs = on_end;
    xmlDoc *doc = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT | XML_PARSE_BIG_LINES);
    gboolean usable = doc && !state.has_dtd && !state.too_deep && xmlDocGetRootElement(doc);
    if (!usable)
        set_parse_error(&state, parser, error);
    xmlFreeParserCtxt(parser);
    if (!usable) {
        xmlFreeDoc(doc);
        return NULL;
    }
    XmlDocument *document = g_new(XmlDocument, 1);
    document->doc = doc;
    return document;
}

void xml_document_free(XmlDocument *document) {
    if (!document)
        return;
    xmlFreeDoc(document->doc);
    g_free(document);
}

const XmlNode *xml_root(const XmlDocument *document) {
    return document ? xmlDocGetRootElement(document->doc) : NULL;
}

const char *xml_name(const XmlNode *node) {
    return node ? (const char *)node->name : NULL;
}

/* The first element at or after a sibling whose name is the length bytes of name (NULL: any). */
static const XmlNode *find_sibling(const XmlNode *node, const char *name, gsize length) {
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        const char *own = (const char *)node->name;
        if (!name || (strncmp(own, name, length) == 0 && own[length] == '\0'))
            return node;
    }
    return NULL;
}

const XmlNode *xml_get(const XmlNode *node, const char *path) {
    while (node && *path) {
        gsize length = strcspn(path, "/");
        node = find_sibling(node->children, path, length);
        path += length + (path[length] == '/');
    }
    return node;
}

char *xml_text(const XmlNode *node) {
    if (!node)
        return NULL;
    xmlChar *content = xmlNodeGetContent((const xmlNode *)node);
    char *text = g_strstrip(g_strdup(content ? (const char *)content : ""));
    xmlFree(content);
    return text;
}

char *xml_get_text(const XmlNode *node, const char *path) {
    return xml_text(xml_get(node, path));
}

const XmlNode *xml_first(const XmlNode *node, const char *name) {
    return node ? find_sibling(node->children, name, name ? strlen(name) : 0) : NULL;
}

const XmlNode *xml_next(const XmlNode *node, const char *name) {
    return node ? find_sibling(node->next, name, name ? strlen(name) : 0) : NULL;
}
