/* The typed records as JSON and back: what is known of clouds outlives the process (remembered.h). Pure; any thread. */
#pragma once
#include "clouds/records.h"
#include "inventory/inventory.h"

/* The record of an object under key, in the open container; nothing for kinds whose record is not kept. */
void record_write(const InventoryObject *object, JsonBuilder *builder, const char *key);
/* Gives an object (with kind and document set) the record that was written of it. FALSE: it is none. */
gboolean record_read(InventoryObject *object, const JsonValue *value);
