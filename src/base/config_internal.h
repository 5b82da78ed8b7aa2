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

/* The places of a value and of its key; FALSE when the value is not of this configuration. */
gboolean config_place(const Config *config, const JsonValue *value, ConfigPlace *place);
/* How sections are read: relaxed names, places in messages. path: "aws." or "". */
ParamsReading config_reading(const Config *config, const char *path);
