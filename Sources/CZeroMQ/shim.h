#include <zmq.h>

// libzmq builds these from an expression, which Swift does not import as a constant in every release.
static const int zmqWrongState = EFSM;
static const int zmqIncompatibleProtocol = ENOCOMPATPROTO;
static const int zmqTerminated = ETERM;
