/* XML answers: any bytes are a document or an error; a document can be walked to its ends. */
#include "net/xml.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void walk(const XmlNode *node) {
    g_autofree char *text = xml_text(node);
    g_assert_true(xml_name(node) && text);
    for (const XmlNode *child = xml_first(node, NULL); child; child = xml_next(child, NULL)) {
        const XmlNode *same = xml_get(node, xml_name(child));
        g_assert_true(same != NULL);
        walk(child);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    g_autoptr(GError) error = NULL;
    g_autoptr(XmlDocument) document = xml_parse((const char *)data, size, &error);
    g_assert_true(!document != !error);
    if (document && size < 4096) /* text is gathered anew at each level */
        walk(xml_root(document));
    return 0;
}
