/* Sentences about behaviour and faults: whatever stands there, it is understood or refused; what was understood can be written and is
 * understood again, the same. */
#include "clouds/simulator/behaviour.h"
#include "clouds/simulator/fault.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    SimulatedBehaviour behaviour, again;
    if (simulated_behaviour_parse(text, &behaviour, NULL)) {
        g_autofree char *written = simulated_behaviour_text(&behaviour);
        g_assert_true(simulated_behaviour_parse(written, &again, NULL));
        g_assert_cmpint(again.boot_ms, ==, behaviour.boot_ms);
        g_assert_cmpint(again.crash_ms, ==, behaviour.crash_ms);
        g_assert_cmpint(again.never_healthy, ==, behaviour.never_healthy);
    }
    g_autoptr(SimulatedFault) fault = simulated_fault_parse(text, NULL);
    if (fault == NULL)
        return 0;
    g_autofree char *written = simulated_fault_text(fault);
    g_autoptr(GError) error = NULL;
    g_autoptr(SimulatedFault) read = simulated_fault_parse(written, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read->kind, ==, fault->kind);
    g_assert_cmpint(read->times, ==, fault->times);
    g_assert_cmpint(read->for_ms, ==, fault->for_ms);
    return 0;
}
