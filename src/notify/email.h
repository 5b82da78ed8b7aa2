/* Mail: how its server is reached. */
#pragma once
#include "net/smtp.h"
#include <glib.h>

/* Host, port, security and credentials of the settings of notification_email; borrowed. */
void email_server(const void *settings, SmtpRequest *into);
