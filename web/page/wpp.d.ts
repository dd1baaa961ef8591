// The library puts itself into the page as a global; its own types say what it offers.
declare const WPP: typeof import('@wppconnect/wa-js');
