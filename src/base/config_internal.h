/* The insides of a Config. Only for src/base/config*.c. */
#pragma once
#include "base/config.h"
#include "base/config_files.h"
#include "base/config_values.h"
#include "base/params_reading.h"

struct Config {
    gatomicrefcount references;
    GPtrArray *files;                        /* names */
    GPtrArray *notes;                        /* of ConfigFinding */
    ConfigDocument documents[CONFIG_SCOPES]; /* by index in config_scopes: what that service reads */
};

/* The place of a value, and of the key of an object's member; FALSE (place is left alone) when it is not of this configuration. */
gboolean config_place(const Config *config, const JsonValue *value, ConfigPlace *place);
gboolean config_key_place(const Config *config, const JsonValue *member, ConfigPlace *place);
/* The name in a placeholder of this text that has neither value nor default, or NULL. */
const char *config_unresolved(const Config *config, const JsonValue *value);
/* How sections are read: relaxed names, places in messages. path: "aws." or "". */
ParamsReading config_reading(const Config *config, const char *path);
