/* The arithmetic of resizing (deploy-strategies.md 5). Pure. */
#pragma once
#include "stages/deploy/scope.h"

typedef enum { RESIZE_EXACT, RESIZE_UP, RESIZE_DOWN, RESIZE_TO_CLUSTER, RESIZE_TO_SERVER_GROUP } ResizeAction;
gboolean resize_action_parse(const JsonValue *context, ResizeAction *into, GError **error);

typedef struct {
    Capacity given;                        /* -1: absent */
    gint64 scale_percentage, scale_number; /* -1: absent */
    gboolean pin, pin_minimum, unpin_minimum;
    gint64 original_min; /* -1: not known */
} ResizeOptions;
/* current: the group's; reference: the source's (to server group) or the component-wise largest of the cluster (to cluster). */
Capacity resize_capacity(ResizeAction action, const ResizeOptions *options, const Capacity *current, const Capacity *reference);
