/* Bakes of the simulated cloud (bakes.h): an image with the name that packer's would have, there after SIMULATED_BAKE_MS. What its instances do
 * is said by the request's extended attribute "behaviour". */
#include "clouds/simulator/bakes.h"
#include "base/ids.h"
#include "clouds/simulator/room.h"
#include <string.h>

static gboolean is_given(const char *text) {
    return text != NULL && *text != '\0';
}

/* The first word, without what may not stand in an image's name. Caller frees. */
static char *package_of(const JsonValue *request) {
    const char *packages = json_get_string(request, "package");
    g_auto(GStrv) words = g_strsplit_set(packages != NULL ? packages : "", " \t\n", 2);
    return g_strdelimit(g_strdup(is_given(words[0]) ? words[0] : "image"), "_:/|", '-');
}

static char *image_name(const JsonValue *request, const char *package, gint64 now_ms) {
    const char *given = json_get_string(request, "ami_name"), *suffix = json_get_string(request, "ami_suffix");
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, now_ms);
    return g_strjoin("-", is_given(given) ? given : package, is_given(suffix) ? suffix : now, NULL);
}

static Json *tags_of(const JsonValue *request, const char *package) {
    const char *suffix = json_get_string(request, "ami_suffix");
    g_autofree char *number = json_as_text(json_get(request, "build_number"));
    g_autofree char *version = g_strdup_printf("%s-%s-h%s", package, is_given(suffix) ? suffix : "0", is_given(number) ? number : "1");
    return json_pack("{s:s, s:s, s:s}", "appversion", version, "build_host", json_get_string(request, "build_host"), "build_info_url",
                     json_get_string(request, "build_info_url"));
}

static Json *details_of(const SimulatedImage *image) {
    const char *region = image->regions != NULL ? image->regions[0] : NULL;
    g_autoptr(Json) artifact = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", SIMULATOR_ID "/image", "name", image->name, "location",
                                         region, "reference", image->id, "uuid", image->bake);
    return json_pack("{s:s, s:[s], s:s, s:s, s:j}", "id", image->bake, "regions", region, "ami", image->id, "image_name", image->name,
                     "artifact", artifact);
}

static Json *status_of(const SimulatedImage *image, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    gboolean ready = simulated_image_is_ready(image, now_ms);
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", image->bake);
    json_add_string(builder, "resource_id", image->bake);
    json_add_string(builder, "state", ready ? "COMPLETED" : "RUNNING");
    json_add_string(builder, "result", ready ? "SUCCESS" : NULL);
    if (!ready)
        json_add_int(builder, "endsAt", image->ready_ms);
    g_autoptr(Json) details = details_of(image);
    json_add_json(builder, "details", details);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* A region that some simulated account has. */
static gboolean check_region(Clouds *clouds, const char *region, GError **error) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(clouds);
    for (guint i = 0; region != NULL && i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        if (strcmp(account->cloud->id, SIMULATOR_ID) == 0 && account_has_region(account, region, NULL))
            return TRUE;
    }
    error_set(error, ERR_INVALID, "bake in %s: no simulated account has that region", region != NULL ? region : "(no region)");
    return FALSE;
}

Json *simulator_bake(Clouds *clouds, const char *region, const JsonValue *request, GError **error) {
    if (!check_region(clouds, region, error))
        return NULL;
    const char *given = json_get_string(request, "request_id"), *owner = json_get_string(request, "account_name");
    g_autofree char *fresh = id_new(), *package = package_of(request);
    g_autoptr(Json) tags = tags_of(request, package);
    SimulatorRoom *room = simulator_room(clouds);
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    g_autofree char *name = image_name(request, package, now_ms);
    const SimulatedImage *image = world_image_bake(world, is_given(given) ? given : fresh, name, owner, region, json_root(tags),
                                                   json_string(json_dig(request, "extended_attributes", "behaviour", NULL)), now_ms, error);
    Json *status = image != NULL ? status_of(image, now_ms) : NULL;
    simulator_leave(room);
    return status;
}

Json *simulator_bake_look(Clouds *clouds, const char *id, GError **error) {
    SimulatorRoom *room = simulator_room(clouds);
    gint64 now_ms = 0;
    const SimulatedImage *image = world_image_of_bake(simulator_enter(room, &now_ms), id);
    Json *status = image != NULL ? status_of(image, now_ms) : NULL;
    simulator_leave(room);
    if (status == NULL)
        error_set(error, ERR_NOT_FOUND, "bake %s of the simulated cloud is not known", id);
    return status;
}
