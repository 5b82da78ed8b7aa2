/* The arithmetic of resizing (resize_rules.h). */
#include "stages/deploy/resize_rules.h"

gboolean resize_action_parse(const JsonValue *context, ResizeAction *into, GError **error) {
    static const char *const NAMES[] = {"scale_exact", "scale_up", "scale_down", "scale_to_cluster", "scale_to_server_group"};
    const char *action = json_get_string(context, "action"), *type = json_get_string(context, "resizeType");
    *into = RESIZE_EXACT;
    if (action == NULL || g_strcmp0(type, "exact") == 0)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (g_ascii_strcasecmp(action, NAMES[i]) == 0) {
            *into = (ResizeAction)i;
            return TRUE;
        }
    error_set(error, ERR_INVALID,
              "resizeServerGroup: action %s is unknown: scale_exact, scale_up, scale_down, scale_to_cluster or "
              "scale_to_server_group",
              action);
    return FALSE;
}

static gint64 part_of(gint64 value, gint64 percentage) {
    return (value * percentage + 99) / 100;
}

static Capacity exact(const Capacity *given, const Capacity *current) {
    Capacity wanted = {given->min >= 0 ? given->min : current->min, given->max, given->desired};
    if (given->max >= 0)
        wanted.min = MIN(wanted.min, given->max);
    else
        wanted.max = MAX(wanted.min, current->max);
    if (given->desired < 0)
        wanted.desired = CLAMP(current->desired, wanted.min, wanted.max);
    return wanted;
}

static gint64 moved(gint64 value, const ResizeOptions *options, gint64 direction) {
    gint64 by = options->scale_percentage >= 0 ? part_of(value, options->scale_percentage) : MAX(options->scale_number, 0);
    return MAX(value + direction * by, 0);
}

static Capacity to_cluster(const ResizeOptions *options, const Capacity *largest) {
    Capacity wanted = *largest;
    wanted.desired = MIN(moved(wanted.desired, options, 1), wanted.max);
    return wanted;
}

/* Scale, unpin, pin, pin the minimum: in this order. */
static Capacity scaled_and_pinned(Capacity wanted, const ResizeOptions *options) {
    if (options->scale_percentage >= 0) {
        gint64 desired = part_of(wanted.desired, options->scale_percentage);
        wanted = (Capacity){MIN(wanted.min, desired), MAX(wanted.max, desired), desired};
    }
    if (options->unpin_minimum && options->original_min >= 0 && options->original_min <= wanted.min)
        wanted.min = options->original_min;
    if (options->pin)
        wanted.min = wanted.max = wanted.desired;
    else if (options->pin_minimum)
        wanted.min = wanted.desired;
    return wanted;
}

Capacity resize_capacity(ResizeAction action, const ResizeOptions *options, const Capacity *current, const Capacity *reference) {
    switch (action) {
    case RESIZE_EXACT:
        return scaled_and_pinned(exact(&options->given, current), options);
    case RESIZE_TO_SERVER_GROUP:
        return scaled_and_pinned(*reference, options);
    case RESIZE_TO_CLUSTER:
        return to_cluster(options, reference);
    case RESIZE_UP:
    case RESIZE_DOWN:
        break;
    }
    gint64 direction = action == RESIZE_UP ? 1 : -1;
    return (Capacity){moved(current->min, options, direction), moved(current->max, options, direction),
                      moved(current->desired, options, direction)};
}
