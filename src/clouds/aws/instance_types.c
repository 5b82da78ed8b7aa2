/* Instance types: the same for all accounts in a region, more than a thousand, and slow to list. One account reads them, once an hour; the
 * others take its documents. The shared list belongs to the settings that the accounts have in common; its lock is not held over calls. */
#include "clouds/aws/instance_types.h"
#include "base/clock.h"
#include "clouds/aws/reader.h"

#define TYPES_READ_MS (60 * 60 * 1000)
#define TYPES_WAIT_MS 10000 /* how long an account waits for the one that reads; after that it looks again at its own pace */
#define TYPES_LOOK_MS 100   /* how soon a wait sees that it is cancelled */

/* What was read in one region. */
typedef struct {
    GPtrArray *documents; /* of Json; replaced whole */
    gint64 began_ms;      /* of the read, wall-clock; 0: none yet */
    gboolean reading;
} RegionTypes;

struct AwsInstanceTypes {
    GMutex lock;
    GCond changed;       /* a read ended */
    GHashTable *regions; /* region → RegionTypes */
};

static void region_free(gpointer data) {
    RegionTypes *region = data;
    g_clear_pointer(&region->documents, g_ptr_array_unref);
    g_free(region);
}

AwsInstanceTypes *aws_instance_types_new(void) {
    AwsInstanceTypes *types = g_new0(AwsInstanceTypes, 1);
    g_mutex_init(&types->lock);
    g_cond_init(&types->changed);
    types->regions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, region_free);
    return types;
}

void aws_instance_types_free(AwsInstanceTypes *types) {
    if (!types)
        return;
    g_hash_table_unref(types->regions);
    g_cond_clear(&types->changed);
    g_mutex_clear(&types->lock);
    g_free(types);
}

/* ---- reading ---- */

/* Most of what is said of a type is never shown. */
static Json *reduce(const JsonValue *type) {
    return json_pack("{s:v, s:v, s:v, s:v, s:v, s:v}", "instanceType", json_get(type, "instanceType"), "vCpuInfo",
                     json_dig(type, "vCpuInfo", "defaultVCpus", NULL), "memoryInMiB", json_dig(type, "memoryInfo", "sizeInMiB", NULL),
                     "supportedVirtualizationTypes", json_get(type, "supportedVirtualizationTypes"), "supportedArchitectures",
                     json_dig(type, "processorInfo", "supportedArchitectures", NULL), "burstablePerformanceSupported",
                     json_get(type, "burstablePerformanceSupported"));
}

static gboolean add_type(const XmlNode *item, gpointer data, GError **error) {
    (void)error;
    g_autoptr(Json) document = aws_document(item, AWS_SHAPE_EC2);
    if (json_get_string(json_root(document), "instanceType"))
        g_ptr_array_add(data, reduce(json_root(document)));
    return TRUE;
}

static void publish(const AwsReader *reader, const GPtrArray *documents, gint64 began_ms) {
    AwsReader then = *reader;
    then.began_ms = began_ms;
    g_autoptr(GPtrArray) objects = aws_objects_new();
    for (guint i = 0; i < documents->len; i++) {
        Json *document = documents->pdata[i];
        const char *id = json_get_string(json_root(document), "instanceType");
        aws_objects_add(objects, aws_object_new(&then, KIND_INSTANCE_TYPE, id), json_ref(document), NULL, NULL);
    }
    aws_publish(&then, KIND_INSTANCE_TYPE, objects);
}

/* ---- sharing ---- */

typedef enum { TYPES_KNOWN, TYPES_OURS_TO_READ, TYPES_BEING_READ } TypesState;

/* With the lock held. */
static TypesState take_state(AwsInstanceTypes *types, const char *name, gint64 now_ms, GPtrArray **documents, gint64 *began_ms) {
    RegionTypes *region = g_hash_table_lookup(types->regions, name);
    if (!region) {
        region = g_new0(RegionTypes, 1);
        g_hash_table_insert(types->regions, g_strdup(name), region);
    }
    if (region->documents && now_ms - region->began_ms < TYPES_READ_MS) {
        *documents = g_ptr_array_ref(region->documents);
        *began_ms = region->began_ms;
        return TYPES_KNOWN;
    }
    if (region->reading)
        return TYPES_BEING_READ;
    region->reading = TRUE;
    return TYPES_OURS_TO_READ;
}

/* KNOWN: *documents (a reference) and when they were read. OURS_TO_READ: end_reading must follow. While another account reads, waits for it. */
static TypesState begin_reading(AwsInstanceTypes *types, const AwsReader *reader, GPtrArray **documents, gint64 *began_ms) {
    gint64 until_ms = clock_elapsed_ms() + TYPES_WAIT_MS;
    g_mutex_lock(&types->lock);
    TypesState state = take_state(types, reader->region, reader->began_ms, documents, began_ms);
    while (state == TYPES_BEING_READ && clock_elapsed_ms() < until_ms && !cancel_is_set(reader->cancel)) {
        g_cond_wait_until(&types->changed, &types->lock, g_get_monotonic_time() + TYPES_LOOK_MS * 1000);
        state = take_state(types, reader->region, reader->began_ms, documents, began_ms);
    }
    g_mutex_unlock(&types->lock);
    return state;
}

/* documents NULL: the read failed. */
static void end_reading(AwsInstanceTypes *types, const char *name, GPtrArray *documents, gint64 began_ms) {
    g_mutex_lock(&types->lock);
    RegionTypes *region = g_hash_table_lookup(types->regions, name);
    region->reading = FALSE;
    if (documents) {
        g_clear_pointer(&region->documents, g_ptr_array_unref);
        region->documents = g_ptr_array_ref(documents);
        region->began_ms = began_ms;
    }
    g_cond_broadcast(&types->changed);
    g_mutex_unlock(&types->lock);
}

static gboolean read_types(const AwsReader *reader, GError **error) {
    AwsInstanceTypes *types = reader->account->settings->types;
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_INSTANCE_TYPES);
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    gboolean done = aws_client_list(reader->account->client, reader->region, query, reader->cancel, add_type, documents, error);
    end_reading(types, reader->region, done ? documents : NULL, reader->began_ms);
    if (done)
        publish(reader, documents, reader->began_ms);
    return done;
}

gboolean aws_agent_instance_types(AgentContext *context, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(GPtrArray) documents = NULL;
    gint64 began_ms = 0;
    switch (begin_reading(reader.account->settings->types, &reader, &documents, &began_ms)) {
    case TYPES_OURS_TO_READ:
        return read_types(&reader, error);
    case TYPES_KNOWN:
        publish(&reader, documents, began_ms);
        return TRUE;
    default:
        return TRUE; /* the next time they are known */
    }
}
