/* SPDX-License-Identifier: 0BSD */
#include "app.h"
#include "monitor.h"
#include "port.h"

void tms_main(void) {
  tms_port_start();
  tms_app_start();
  tms_monitor();
}
