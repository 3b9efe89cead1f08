#include "node_config.h"
int node_demo(const struct options *o){(void)o;return 0;}
