/* What a parsed Quartz expression holds: shared by parser, search and description. */
#pragma once
#include "triggers/quartz.h"

typedef enum {
    QUARTZ_SECOND,
    QUARTZ_MINUTE,
    QUARTZ_HOUR,
    QUARTZ_DAY,
    QUARTZ_MONTH,
    QUARTZ_WEEKDAY,
    QUARTZ_YEAR,
    QUARTZ_FIELDS
} QuartzField;
#define QUARTZ_YEARS_MAX 200 /* ranges of years in one expression */

typedef struct {
    gint64 from, to, step;
} QuartzYears;

struct Quartz {
    char *texts[QUARTZ_FIELDS];  /* upper case, as they were read; year NULL: every year */
    guint64 values[QUARTZ_YEAR]; /* a bit per value; of a field with ?: none */
    gboolean by_weekday;         /* day-of-month is ? */
    /* Day of month. */
    guint32 nearest;           /* nW: a bit per n */
    guint32 from_last;         /* L-n: a bit per n; L is bit 0 */
    guint32 from_last_weekday; /* L-nW */
    /* Day of week, 1 is Sunday; 0: none. */
    guint last_of_month; /* nL */
    guint nth_day, nth;  /* n#k */
    QuartzYears years[QUARTZ_YEARS_MAX];
    guint n_years; /* 0: every year */
};

typedef struct {
    const char *name; /* "Day of month" */
    int least, most;  /* of values */
    int step_max;
} QuartzRange;
extern const QuartzRange quartz_ranges[QUARTZ_YEAR];
extern const char *const quartz_months[13];  /* "JAN" at 1 */
extern const char *const quartz_weekdays[8]; /* "SUN" at 1 */

/* Days of a month that the expression means, a bit per day. */
guint32 quartz_days(const Quartz *quartz, int year, int month);
gboolean quartz_has_year(const Quartz *quartz, int year);
