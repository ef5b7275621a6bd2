/** Backends and clients that misbehave, before one proxy process that must serve all others meanwhile. */
import { backendFaults, outage } from './faults/backend-faults.ts';
import { clientFaults } from './faults/client-faults.ts';
import { describeFaults } from './suite.ts';

describeFaults('a backend', [...backendFaults, outage]);
describeFaults('a client', clientFaults);
