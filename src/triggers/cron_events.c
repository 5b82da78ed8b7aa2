/* Fires as events of triggers, and missed ones as decisions. On a worker, which waits for the commit. */
#include "base/clock.h"
#include "base/ids.h"
#include "triggers/cron_internal.h"

static char *event_id(const CronFire *fire) {
    g_autofree char *instant = clock_iso8601(fire->at_ms);
    g_autofree char *digits = id_from_parts("cron", fire->pipeline_id, fire->trigger_id, instant, NULL);
    return g_strdup_printf("cron-%s-%s", instant, digits);
}

static char *why_missed(const CronFire *fire, const CronSettings *settings, gint64 now_ms) {
    g_autofree char *since = clock_iso8601(fire->since_ms);
    g_autofree char *late = clock_duration_text(now_ms - fire->since_ms);
    G_GNUC_UNUSED g_autofree char *last = clock_iso8601(fire->at_ms);
    gboolean several = fire->at_ms != fire->since_ms;
    return g_strdup_printf("It was due %s%s%s and was noticed %s late, when that had passed the %d s in which a fire may be late. %s",
                           several ? "from " : "at ", since, several ? " on" : "", late, CRON_LATE_MS / 1000,
                           settings->compensates ? "The compensation job looks whether the last one is made up for."
                                                 : "Catch-up is off (scheduler.compensation-job.enabled).");
}

static gboolean record_missed(Triggers *triggers, const CronFire *fire, const TriggerEvent *event, const CronSettings *settings,
                              GError **error) {
    gint64 now_ms = clock_now_ms();
    g_autofree char *message = why_missed(fire, settings, now_ms);
    TriggerDecisionRecord decision = {
        .pipeline_id = fire->pipeline_id,
        .pipeline_name = fire->pipeline_name,
        .application = fire->application,
        .trigger_index = fire->index,
        .trigger_id = fire->trigger_id,
        .trigger_type = "cron",
        .decided_ms = now_ms,
        .reason = decision_reason_name(DECISION_MISSED),
        .message = message,
    };
    return triggers_record(triggers, event, &decision, 1, error);
}

CronPosted cron_post(Triggers *triggers, const CronFire *fire, const CronSettings *settings, GError **error) {
    g_autofree char *id = event_id(fire);
    g_autofree char *instant = clock_iso8601(fire->at_ms);
    g_autoptr(Json) envelope = json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:b}}", "details", "type", "scheduler", "source",
                                         "cron", "application", fire->application, "content", "triggerId", fire->trigger_id,
                                         "pipelineConfigId", fire->pipeline_id, "cronExpression", fire->expression, "scheduledTime",
                                         instant, "compensation", fire->compensation);
    TriggerEvent event = {.id = id, .created_ms = fire->at_ms, .envelope = json_root(envelope)};
    g_autoptr(GError) failure = NULL;
    if (fire->since_ms > 0) {
        if (record_missed(triggers, fire, &event, settings, &failure))
            return CRON_POSTED;
    } else {
        gboolean repeated = FALSE;
        g_autofree char *posted = triggers_post_event(triggers, &event, &repeated, &failure);
        if (posted != NULL)
            return repeated ? CRON_KNOWN : CRON_POSTED;
    }
    if (error_code(failure) == ERR_CONFLICT)
        return CRON_KNOWN;
    g_propagate_error(error, g_steal_pointer(&failure));
    return CRON_FAILED;
}
