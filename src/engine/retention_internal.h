/* What the files of retention share. */
#pragma once
#include "engine/retention.h"

#define RETENTION_EXCEPTIONS_MAX 1000

typedef struct {
    gatomicrefcount ref_count;
    gboolean old_enabled, top_enabled, unused_enabled, unused_dry_run;
    gint64 old_interval_ms, old_days, old_least, exception_days;
    char **exceptions; /* applications with exception_days */
    gint64 top_threshold;
    gint64 unused_days;
} RetentionSettings;
RetentionSettings *retention_settings_new(Config *config, GError **error);
RetentionSettings *retention_settings_ref(RetentionSettings *settings);
void retention_settings_unref(RetentionSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RetentionSettings, retention_settings_unref)

/* ---- retention_policy.c: what goes. State of one pass, on one worker at a time ---- */
typedef struct RetentionPass RetentionPass;
RetentionPass *retention_pass_new(Store *store, RetentionSettings *settings, gint64 now_ms);
void retention_pass_free(RetentionPass *pass);
/* Ids of executions that go, of the next page; of char *, owned. *more: there is another page. NULL with error. */
GPtrArray *retention_pass_next(RetentionPass *pass, gboolean *more, GError **error);
/* Disables pipelines that nobody starts; how many it found. */
guint retention_disable_unused(Store *store, const RetentionSettings *settings, gint64 now_ms);
