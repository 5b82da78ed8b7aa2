/* The inbox: messages to an execution that is somebody else's to handle. Numbers grow and are never used again. */
#include "base/error.h"
#include "store/executions.h"
#include "store/internal.h"

static const StoreStatement NUMBER_NEXT = {"inbox.number", "UPDATE counters SET value = value + 1 WHERE name = 'inbox'"};
static const StoreStatement PUT = {
    "inbox.put", "INSERT INTO inbox (number, recipient_id, body) SELECT value, $1, $2 FROM counters WHERE name = 'inbox'"};
static const StoreStatement REMOVE = {"inbox.remove", "DELETE FROM inbox WHERE number = $1"};
static const StoreStatement PAGE = {"inbox.page",
                                    "SELECT recipient_id, number, body FROM inbox WHERE number > $1 ORDER BY number LIMIT $2"};
static const StoreStatement PAGE_OF_ONE = {"inbox.page_of_one",
                                           "SELECT recipient_id, number, body FROM inbox WHERE recipient_id = $3 AND number > $1 ORDER BY "
                                           "number LIMIT $2"};

void store_inbox_put(StoreUnit *unit, const char *recipient_id, const char *body) {
    store_unit_add(unit, &NUMBER_NEXT, NULL, 0);
    store_unit_add(unit, &PUT, (StoreValue[]){SV_TEXT(recipient_id), SV_TEXT(body)}, 2);
}

void store_inbox_remove(StoreUnit *unit, gint64 number) {
    store_unit_add(unit, &REMOVE, &SV_INT(number), 1);
}

typedef struct {
    char *recipient_id, *body;
    gint64 number;
} Message;

static void message_free(gpointer data) {
    Message *message = data;
    g_free(message->recipient_id);
    g_free(message->body);
    g_free(message);
}

static gboolean message_each(const StoreRow *row, gpointer data) {
    Message *message = g_new(Message, 1);
    *message = (Message){
        .recipient_id = g_strdup(store_row_text(row, 0)), .number = store_row_int(row, 1), .body = g_strdup(store_row_text(row, 2))};
    g_ptr_array_add(data, message);
    return TRUE;
}

gboolean store_inbox_each(Store *store, const char *recipient_id, InboxEach each, gpointer data, GError **error) {
    gint64 after = 0;
    for (;;) {
        g_autoptr(GPtrArray) page = g_ptr_array_new_with_free_func(message_free);
        StoreValue values[] = {SV_INT(after), SV_INT(INBOX_PAGE), SV_TEXT(recipient_id)};
        const StoreStatement *statement = recipient_id != NULL ? &PAGE_OF_ONE : &PAGE;
        if (!store_query(store, statement, values, recipient_id != NULL ? 3 : 2, message_each, page, error))
            return FALSE;
        for (guint i = 0; i < page->len; i++) {
            const Message *message = g_ptr_array_index(page, i);
            after = message->number;
            if (!each(message->recipient_id, message->number, message->body, data))
                return TRUE;
        }
        if (page->len < INBOX_PAGE)
            return TRUE;
    }
}
