/** What happens to the proxy's own process, its embedder, its disk: each in a process of its own. */
import { embedderFaults } from './faults/embedder-faults.ts';
import { ledgerFaults } from './faults/ledger-faults.ts';
import { processFaults } from './faults/process-faults.ts';
import { describeFaults } from './suite.ts';

describeFaults('the embedder', embedderFaults);
describeFaults('the ledger', ledgerFaults);
describeFaults('a start, a reload or a stop', processFaults);
