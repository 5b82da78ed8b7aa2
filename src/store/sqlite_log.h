/* A file layer under SQLite for durable stores. */
#pragma once

/* Registers it over the present default layer, once; its name for sqlite3_open_v2. Any thread. */
const char *sqlite_log_layer(void);
