// The same in Go.
package main

// #include <stdlib.h>
// #include <systemd/sd-daemon.h>
// #include <systemd/sd-journal.h>
// static int log_one(void) { return sd_journal_print(LOG_INFO, "From a plugin: %d", 1); }
import "C"

import "unsafe"

//export plug
func plug() C.int {
	state := C.CString("STATUS=Plugged by Go")
	defer C.free(unsafe.Pointer(state))
	if C.log_one() == 0 && C.sd_notify(0, state) == 1 {
		return 1
	}
	return 0
}

func main() {}
