/* Lanes: in order per turn, nobody held up by another's turn, until it is too old. */
#include "base/clock.h"
#include "notify/deliver.h"
#include "store_testing.h"

/* A receiver: rows are "turn:number"; those whose turn is in `down` fail. */
typedef struct {
    GMutex lock;
    GString *got;
    const char *down; /* a turn, or NULL */
    guint failures;
} Receiver;

static char *turn_of(const DeliveryRecord *record) {
    return g_strndup(record->body, strcspn(record->body, ":"));
}

static DeliveryOutcome receive(const Destination *destination, HttpClient *http, Cancel *cancel, const DeliveryRecord *record,
                               GError **error) {
    Receiver *receiver = destination->data;
    g_autofree char *turn = turn_of(record);
    (void)http, (void)cancel;
    g_mutex_lock(&receiver->lock);
    gboolean fails = receiver->down != NULL && strcmp(receiver->down, turn) == 0;
    receiver->failures += fails ? 1 : 0;
    if (!fails)
        g_string_append_printf(receiver->got, "%s ", record->body);
    g_mutex_unlock(&receiver->lock);
    if (!fails)
        return DELIVERED;
    error_set(error, ERR_UNAVAILABLE, "down");
    return DELIVER_AGAIN;
}

static void add(Store *store, const char *body, gint64 created_ms) {
    StoreUnit *unit = store_unit_new();
    const DeliveryRecord record = {.destination = "d", .execution_id = "e", .lane = 0, .created_ms = created_ms, .body = body};
    store_delivery_add(unit, &record);
    commit_ok(store, unit);
}

static void set_down(Receiver *receiver, const char *turn) {
    g_mutex_lock(&receiver->lock);
    receiver->down = turn;
    g_mutex_unlock(&receiver->lock);
}

static void wait_for(Receiver *receiver, const char *expected, guint failures) {
    for (guint i = 0; i < 1000; i++) {
        g_mutex_lock(&receiver->lock);
        gboolean there = strcmp(receiver->got->str, expected) == 0 && receiver->failures >= failures;
        g_mutex_unlock(&receiver->lock);
        if (there)
            return;
        g_usleep(10000);
    }
    g_error("expected \"%s\", got \"%s\" after %u failures", expected, receiver->got->str, receiver->failures);
}

typedef struct {
    char *folder;
    Store *store;
    Receiver receiver;
    Deliveries *deliveries;
    gint waiting;
    DeliveryCounts counts;
} Rig;

static void rig_open(Rig *rig, gboolean turns, gint64 keep_ms) {
    *rig = (Rig){.folder = folder_new()};
    rig->store = store_open_at(rig->folder);
    rig->receiver.got = g_string_new(NULL);
    g_mutex_init(&rig->receiver.lock);
    Destination *destination = destination_new("d");
    destination->what = "event";
    destination->keep_ms = keep_ms;
    destination->turn = turns ? turn_of : NULL;
    destination->send = receive;
    destination->data = &rig->receiver;
    GPtrArray *all = g_ptr_array_new_with_free_func(destination_free);
    g_ptr_array_add(all, destination);
    rig->deliveries = deliveries_start(rig->store, NULL, all, &rig->waiting, &rig->counts);
}

static void rig_close(Rig *rig) {
    deliveries_stop(rig->deliveries);
    store_close(rig->store);
    remove_tree(rig->folder);
    g_string_free(rig->receiver.got, TRUE);
    g_mutex_clear(&rig->receiver.lock);
    g_free(rig->folder);
}

static void test_turns(void) {
    Rig rig;
    rig_open(&rig, TRUE, DELIVERY_KEEP_MS);
    set_down(&rig.receiver, "a");
    for (guint i = 0; i < 12; i++) { /* more than a page of them */
        g_autofree char *held = g_strdup_printf("a:%u", i);
        add(rig.store, held, clock_now_ms());
    }
    add(rig.store, "b:1", clock_now_ms());
    add(rig.store, "b:2", clock_now_ms());
    deliveries_wake(rig.deliveries);
    wait_for(&rig.receiver, "b:1 b:2 ", 2);
    set_down(&rig.receiver, NULL);
    wait_for(&rig.receiver, "b:1 b:2 a:0 a:1 a:2 a:3 a:4 a:5 a:6 a:7 a:8 a:9 a:10 a:11 ", 2);
    rig_close(&rig);
}

static void test_lanes(void) {
    Rig rig;
    rig_open(&rig, FALSE, DELIVERY_KEEP_MS);
    set_down(&rig.receiver, "a");
    add(rig.store, "a:1", clock_now_ms());
    add(rig.store, "b:1", clock_now_ms());
    deliveries_wake(rig.deliveries);
    wait_for(&rig.receiver, "", 2);
    set_down(&rig.receiver, NULL);
    wait_for(&rig.receiver, "a:1 b:1 ", 2);
    rig_close(&rig);
}

static void test_too_old(void) {
    Rig rig;
    rig_open(&rig, TRUE, NOTIFICATION_KEEP_MS);
    add(rig.store, "a:old", clock_now_ms() - NOTIFICATION_KEEP_MS);
    add(rig.store, "a:new", clock_now_ms());
    deliveries_wake(rig.deliveries);
    wait_for(&rig.receiver, "a:new ", 0);
    guint64 given_up = rig.counts.given_up, delivered = rig.counts.delivered, failed = rig.counts.failed;
    g_assert_cmpuint(given_up, ==, 1);
    g_assert_cmpuint(delivered, <=, 1); /* counted after the answer was seen */
    g_assert_cmpuint(failed, ==, 0);
    rig_close(&rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notify/deliver/turns", test_turns);
    g_test_add_func("/notify/deliver/lanes", test_lanes);
    g_test_add_func("/notify/deliver/too-old", test_too_old);
    return g_test_run();
}
