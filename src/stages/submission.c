/* What happens to a pipeline between its submission and its execution (engine.md 6, steps 3 and 4), in this order. A new step: one
 * row here, its code beside what it knows. */
#include "stages/artifacts/artifacts.h"
#include "stages/metadata/notifications.h"
#include "stages/metadata/templates.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"

const SubmissionStep submission_steps[] = {
    {"templates", template_submission_step}, /* before artifacts: a template may expect some */
    {"artifacts", artifacts_prepare_pipeline},        {"preconfigured webhooks", webhook_submission_step},
    {"notifications", notifications_submission_step}, {NULL, NULL},
};
