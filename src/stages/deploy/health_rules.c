/* The rules of health (health_rules.h). */
#include "stages/deploy/health_rules.h"

void health_interest_read(const Stage *stage, const char *platform, HealthInterest *into) {
    const JsonValue *given = json_get(deploy_context(stage), "interestingHealthProviderNames");
    *into = (HealthInterest){NULL, platform};
    if (!json_is_array(given))
        return;
    GPtrArray *names = g_ptr_array_new();
    for (JsonIter i = json_iter(given); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(names, g_strdup(json_string(i.value)));
    g_ptr_array_add(names, NULL);
    into->names = (char **)g_ptr_array_free(names, FALSE);
}

void health_interest_clear(HealthInterest *interest) {
    g_strfreev(interest->names);
    interest->names = NULL;
}

gboolean health_interest_is_empty(const HealthInterest *interest) {
    return interest->names != NULL && interest->names[0] == NULL;
}

static gboolean is_named(const HealthInterest *interest, const char *type) {
    return type != NULL && g_strv_contains((const char *const *)interest->names, type);
}

/* What counts of an instance's health. */
typedef struct {
    guint all, of_state[HEALTH_DRAINING + 1];
    const Health *platform;
} Considered;

static Considered consider(const Instance *instance, const HealthInterest *interest) {
    Considered considered = {0};
    for (guint i = 0; instance->health != NULL && i < instance->health->len; i++) {
        const Health *health = instance->health->pdata[i];
        if (interest->names != NULL && !is_named(interest, health->type))
            continue;
        considered.all++;
        considered.of_state[health->state]++;
        if (health->platform)
            considered.platform = health;
    }
    return considered;
}

gboolean instance_counts_as_up(const Instance *instance, const HealthInterest *interest) {
    Considered considered = consider(instance, interest);
    const guint *of_state = considered.of_state;
    gboolean up = of_state[HEALTH_UP] > 0;
    if (!up && considered.platform != NULL && interest->names != NULL && interest->platform != NULL &&
        is_named(interest, interest->platform))
        up = considered.platform->state != HEALTH_DOWN;
    return up && of_state[HEALTH_DOWN] + of_state[HEALTH_OUT_OF_SERVICE] + of_state[HEALTH_STARTING] + of_state[HEALTH_DRAINING] == 0;
}

gboolean instance_counts_as_down(const Instance *instance, const HealthInterest *interest) {
    Considered considered = consider(instance, interest);
    const guint *of_state = considered.of_state;
    if (considered.all == 0)
        return TRUE;
    if (considered.all == 1 && considered.platform != NULL && considered.platform->state == HEALTH_UNKNOWN)
        return TRUE;
    return of_state[HEALTH_DOWN] + of_state[HEALTH_OUT_OF_SERVICE] + of_state[HEALTH_STARTING] > 0 &&
           of_state[HEALTH_UP] + of_state[HEALTH_DRAINING] == 0;
}

gint64 health_percentage_count(const Capacity *capacity, gint64 percentage) {
    /* ceil of ((percentage − 100)·max + 100·min) / 100, in whole numbers */
    gint64 hundredths = (percentage - 100) * capacity->max + 100 * capacity->min;
    gint64 count = hundredths / 100 + (hundredths > 0 && hundredths % 100 != 0 ? 1 : 0);
    return MAX(count, 0);
}

gint64 health_target(const Capacity *configured, gboolean is_configured, const Capacity *current, gint64 healthy_percentage,
                     gint64 desired_percentage) {
    gboolean use_configured = is_configured && (capacity_is_pinned(configured) || capacity_is_pinned(current));
    gint64 target = use_configured ? configured->desired : current->desired;
    if (healthy_percentage >= 0) {
        gint64 part = (target * healthy_percentage + 50) / 100;
        return part == 0 && healthy_percentage > 0 && target > 0 ? 1 : part;
    }
    if (desired_percentage >= 0)
        return health_percentage_count(use_configured ? configured : current, desired_percentage);
    return target;
}
