using System.Text;

namespace Warehouse.Simulation.Fuzz;

/// <summary>Small releases of ClinVar in the layouts of its years, sound: one allele a line as since 2018, several with lists as before.</summary>
internal static class ClinVarSeeds
{
    private const string Columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    private static readonly string Lists = "##fileformat=VCFv4.0\n##source=ClinVar and dbSNP\n##INFO=<ID=CLNALLE,Number=.,Type=Integer,Description=\"a\">\n" + Info("CLNSIG", "CLNREVSTAT", "CLNHGVS", "CLNDBN", "CLNACC") + Columns
        + "1\t10\trs1\tA\tC,G\t.\t.\tCLNALLE=1,2;CLNHGVS=NC_1:g.10A>C,NC_1:g.10A>G;CLNSIG=5|4,2;CLNREVSTAT=single|mult,single;CLNDBN=X|Y\\x2c_Z,not_provided;CLNACC=RCV1.1|RCV2.1,RCV3.1\n"
        + "1\t20\trs2\tAC\tA\t.\t.\tRS=2;CLNALLE=0;CLNSIG=255;CLNREVSTAT=no_criteria\n1\t30\trs3\tT\tC,TA\t.\t.\tCLNALLE=-1,2,2;CLNSIG=0,5,3;CLNREVSTAT=.\nX\t5\t.\tG\tA\t.\t.\t.\n";

    private static readonly string Single = "##fileformat=VCFv4.1\n##fileDate=2024-01-07\n##source=ClinVar\n##reference=GRCh37\n##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description=\"a\">\n##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description=\"f\">\n"
        + Info("CLNSIG", "CLNREVSTAT", "CLNSIGCONF", "CLNDN", "CLNVC", "GENEINFO", "MC", "ONC", "ONCREVSTAT", "SCI", "SCIREVSTAT") + Columns
        + "1\t100\t7\tA\tG\t.\t.\tALLELEID=15041;CLNDN=Breast-ovarian_cancer|not_provided;CLNREVSTAT=criteria_provided,_multiple_submitters,_no_conflicts;CLNSIG=Pathogenic/Likely_pathogenic|risk_factor;CLNVC=single_nucleotide_variant;GENEINFO=BRCA1:672|NBR1:4077;MC=SO:0001583|missense_variant\n"
        + "1\t101\t8\tAT\tA\t.\t.\tAF_EXAC=0.00001;CLNSIG=Conflicting_classifications_of_pathogenicity;CLNSIGCONF=Pathogenic(1)|Uncertain_significance(2);CLNREVSTAT=criteria_provided,_conflicting_classifications\nX\t5\t9\tG\tA\t.\t.\tONC=Oncogenic;ONCREVSTAT=reviewed_by_expert_panel;SCI=Tier_I_-_Strong;SCIREVSTAT=no_assertion_criteria_provided\nX\t6\t10\tG\t.\t.\t.\tCLNSIG=Benign\n";

    private static readonly string Predicted = "##fileformat=VCFv4.2\n##INFO=<ID=CSQ,Number=.,Type=String,Description=\"VEP. Format: Allele|Consequence|SYMBOL|HGVSc|HGVSp|MANE_SELECT\">\n" + Info("CLNSIG", "GENE") + Columns
        + "1\t10\t1\tA\tC,AT\t.\t.\tCLNSIG=Benign;CSQ=C|missense_variant|G1|NM_1.2:c.5A>C|NP_1.1:p.Lys2Thr|NM_1.2,AT|frameshift_variant|G1|NM_1.2:c.5_6insT||;GENE=G1\n";

    /// <summary>The releases.</summary>
    public static byte[][] Vcf { get; } = [Encoding.UTF8.GetBytes(Lists), Encoding.UTF8.GetBytes(Single), Encoding.UTF8.GetBytes(Predicted)];

    /// <summary>Words of the format.</summary>
    public static byte[][] Words { get; } = FuzzTarget.WordsOf(
        "\t", "\n", ";", ",", "|", "/", "=", ".", "_", "CLNALLE=", "CLNSIG=", "CLNREVSTAT=", "CLNSIGCONF=", "1,2", "2,1", "0", "-1", "-2", "3", "5|5", "255", "(", ")", "(2)", "\\x2c", "%2C", "%", "Pathogenic", "Benign", "CSQ=", "<DEL>", "*", "N", "A", "##INFO=<ID=CLNALLE,", "Number=", "Type=", "Format: Allele|");

    /// <summary>Values of classification, review and conflict, a line each, with the axis before.</summary>
    public static byte[][] Terms { get; } =
    [
        .. ((string[])["0Pathogenic/Likely_pathogenic|risk_factor\ncriteria_provided,_multiple_submitters,_no_conflicts\n", "0Conflicting_classifications_of_pathogenicity\ncriteria_provided,_conflicting_classifications\nPathogenic(1)|Likely_pathogenic,_low_penetrance(3),Benign(2)",
            "0 5|4|255\nsingle|mult\n", "0Likely pathogenic;Uncertain significance\nno assertion criteria provided\n", "1Oncogenic/Likely_oncogenic\nreviewed_by_expert_panel\nOncogenic(2)|Benign(1)", "2Tier_IV_-_Benign/Likely_benign\npractice_guideline\n"]).Select(Encoding.UTF8.GetBytes),
    ];

    private static string Info(params string[] keys) => string.Concat(keys.Select(k => $"##INFO=<ID={k},Number=.,Type=String,Description=\"x\">\n"));
}
