/* `gennaker simulate FILE…`: pipelines out of files on simulated clouds, in simulated time. Offline, main thread. */
#include "rehearse/simulate.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/composition.h"
#include "cli/document.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/rehearsal_text.h"
#include "cli/watch.h"
#include <string.h>

#define SEED_OTHERWISE 1

/* The pipelines of all files, in their order; borrowed from the documents. */
typedef struct {
    GPtrArray *documents; /* of Document */
    GPtrArray *pipelines; /* of const JsonValue *, NULL at the end */
} Files;

static void files_clear(Files *files) {
    g_clear_pointer(&files->documents, g_ptr_array_unref);
    g_clear_pointer(&files->pipelines, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Files, files_clear)

static gboolean add_pipeline(Files *files, const Document *document, const JsonValue *pipeline, GError **error) {
    if (json_get_string(pipeline, "name") != NULL && json_get_string(pipeline, "application") != NULL) {
        g_ptr_array_add(files->pipelines, (gpointer)pipeline);
        return TRUE;
    }
    error_set(error, ERR_INVALID, "%s:%u: a pipeline is an object with name and application", document->name,
              document_line(document, pipeline));
    return FALSE;
}

static gboolean read_file(Files *files, const char *path, GError **error) {
    Document *document = document_read(path, error);
    if (document == NULL)
        return FALSE;
    g_ptr_array_add(files->documents, document);
    const JsonValue *root = json_root(document->json);
    if (!json_is_array(root))
        return add_pipeline(files, document, root, error);
    for (JsonIter i = json_iter(root); json_next(&i);)
        if (!add_pipeline(files, document, i.value, error))
            return FALSE;
    return TRUE;
}

static gboolean read_files(Files *files, const char *const *paths, GError **error) {
    files->documents = g_ptr_array_new_with_free_func((GDestroyNotify)document_free);
    files->pipelines = g_ptr_array_new();
    for (; *paths != NULL; paths++)
        if (!read_file(files, *paths, error))
            return FALSE;
    g_ptr_array_add(files->pipelines, NULL);
    return TRUE;
}

/* --only NAME leaves the others to be started by it. */
static gboolean is_wanted(const Invocation *call, const JsonValue *pipeline) {
    const char *const *only = invocation_options(call, "only");
    return *only == NULL || g_strv_contains(only, json_get_string(pipeline, "name"));
}

static gboolean check_only(const Invocation *call, const Files *files, GError **error) {
    for (const char *const *only = invocation_options(call, "only"); *only != NULL; only++) {
        gboolean known = FALSE;
        for (guint i = 0; i + 1 < files->pipelines->len; i++)
            known = known || strcmp(json_get_string(files->pipelines->pdata[i], "name"), *only) == 0;
        if (!known) {
            error_set(error, ERR_NOT_FOUND, "--only %s: no pipeline of this name is in the files", *only);
            return FALSE;
        }
    }
    return TRUE;
}

/* The worst of the exit codes so far. */
static int run_all(const Invocation *call, const Simulation *simulation, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    int code = 0;
    json_begin_array(builder, NULL);
    for (const JsonValue *const *pipeline = simulation->pipelines; *pipeline != NULL; pipeline++) {
        if (!is_wanted(call, *pipeline))
            continue;
        g_autoptr(Json) report = simulate(simulation, *pipeline, error);
        if (report == NULL) {
            g_prefix_error(error, "simulate %s: ", json_get_string(*pipeline, "name"));
            return 1;
        }
        code = MAX(code, watch_exit_code(json_get_string(json_root(report), "status")));
        if (output_is_table(call))
            rehearsal_print(json_root(report));
        json_add_json(builder, NULL, report);
    }
    json_end_array(builder);
    g_autoptr(Json) reports = json_builder_end(builder);
    const JsonValue *list = json_root(reports);
    int printed = output_is_table(call) ? 0 : output_one(call, json_length(list) == 1 ? json_at(list, 0) : list, NULL, error);
    return printed != 0 ? printed : code;
}

static int run_simulate(Invocation *call, GError **error) {
    gint64 seed = 0;
    g_auto(Files) files = {0};
    const char *path = invocation_option(call, "config");
    log_configure(LOG_ERROR, LOG_TEXT);
    if (!invocation_number(call, "seed", 0, G_MAXUINT32, SEED_OTHERWISE, &seed, error) ||
        !read_files(&files, invocation_arguments(call, "FILE"), error) || !check_only(call, &files, error))
        return 1;
    g_autoptr(Json) trigger = trigger_from_options(call, error);
    g_autoptr(Config) config = trigger != NULL ? config_load(path, error) : NULL;
    if (config == NULL)
        return 1;
    composition_add_functions(NULL);
    Simulation simulation = {.config = config,
                             .clouds = composition_clouds(),
                             .pipelines = (const JsonValue *const *)files.pipelines->pdata,
                             .faults = invocation_options(call, "fault"),
                             .assumptions = invocation_options(call, "assume"),
                             .trigger = json_root(trigger),
                             .seed = (guint64)seed,
                             .now_ms = clock_now_ms()};
    return run_all(call, &simulation, error);
}

static const Option simulate_options[] = {
    {"parameter", 'p', "NAME=VALUE", TRUE, "A parameter of the pipeline"},
    {"trigger", 't', "FILE", FALSE, "More of the trigger (artifacts, buildInfo …), as JSON or YAML"},
    {"fault", 0, "RULE", TRUE, "What goes wrong in the clouds: \"throttle createServerGroup 3 times\" (docs/simulate.md)"},
    {"assume", 0, "NAME=ANSWER", TRUE,
     "How a stage with an outside ends: a stage's name, refId or type, SUCCEEDED, FAILED …; judgement=stop"},
    {"only", 0, "NAME", TRUE, "Run only this pipeline; the others are there to be started by it"},
    {"seed", 0, "NUMBER", FALSE,
     "Decides the order of what happens at the same time, and all chance (default: " G_STRINGIFY(SEED_OTHERWISE) ")"},
    {"config", 'c', "PATH", FALSE, "Configuration with the accounts (a file or a folder); default: those that the pipelines name"},
    {"output", 'o', "table|json|yaml", FALSE, "How to print it (default: table)"},
    {0},
};

const Command simulate_commands[] = {
    {.verb = "simulate",
     .arguments = "FILE…",
     .options = simulate_options,
     .local = TRUE,
     .run = run_simulate,
     .help = "Runs pipelines from files on simulated clouds in simulated time: a day in a moment. Needs no server and no cloud; the exit "
             "code says how they ended.",
     .example = "gennaker simulate pipeline.json --fault 'throttle createServerGroup 3 times' --assume judgement=stop"},
    {0},
};
