// The library puts itself into the page as a global; its own types describe it.
declare const WPP: typeof import('@wppconnect/wa-js');
